//! PEM (RFC 7468) as editors, exports and environment variables leave it: with a byte-order mark, in UTF-16, with CR LF,
//! with text between its sections, with `\n` for line breaks, or on one line.

use std::sync::LazyLock;

use regex::Regex;
use rustls_pki_types::pem::{Error, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::content::Content;
use super::{recognise, text};

/// Why bytes hold no certificate or key that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// They are something else.
    Content(Content),
    /// A section has a beginning and no end.
    NoEnd,
    /// A section is no base64.
    Damaged,
}

#[expect(clippy::unwrap_used, reason = "the pattern is constant")]
static MARKER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"-----(BEGIN|END) [A-Z0-9 ]+-----").unwrap());

/// All certificates. Fails where there is none.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Unreadable> {
    let pem = normalised(bytes);
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Unreadable::Content(recognise::of(bytes))),
        Err(error) => Err(unreadable(bytes, &error)),
    }
}

/// The first private key. Fails where there is none.
pub(super) fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, Unreadable> {
    PrivateKeyDer::from_pem_slice(normalised(bytes).as_bytes()).map_err(|error| unreadable(bytes, &error))
}

fn unreadable(bytes: &[u8], error: &Error) -> Unreadable {
    match (recognise::of(bytes), error) {
        // What is encrypted in the old way looks like a damaged key.
        (encrypted @ Content::LegacyEncryptedKey, _) => Unreadable::Content(encrypted),
        (other, Error::NoItemsFound) => Unreadable::Content(other),
        (_, Error::MissingSectionEnd { .. }) => Unreadable::NoEnd,
        _ => Unreadable::Damaged,
    }
}

/// The same sections with every marker on a line of its own, and no white space around lines.
fn normalised(bytes: &[u8]) -> String {
    // A value on one line, as JSON or a shell wrote it.
    let text = text::of(bytes).replace("\\r", "").replace("\\n", "\n");
    let lines = MARKER.replace_all(&text, "\n$0\n");
    let mut pem = String::with_capacity(lines.len());
    let mut is_inside = false;
    for line in lines.lines() {
        let line = line.trim();
        if line.starts_with("-----") {
            is_inside = line.starts_with("-----BEGIN ");
            pem.push_str(line);
        } else if is_inside && !line.contains(':') {
            pem.extend(line.split_whitespace());
        } else {
            pem.push_str(line);
        }
        pem.push('\n');
    }
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (String, Vec<u8>) {
        let pair = rcgen::KeyPair::generate().unwrap();
        (pair.serialize_pem(), pair.serialize_der())
    }

    #[test]
    fn a_key_is_read_however_it_was_written_down() {
        let (pem, der) = made();
        let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let rows: Vec<(&str, Vec<u8>)> = vec![
            ("as it is", pem.clone().into()),
            ("CR LF", pem.replace('\n', "\r\n").into()),
            ("CR", pem.replace('\n', "\r").into()),
            ("a mark", format!("\u{feff}{pem}").into()),
            ("UTF-16", [&[0xff, 0xfe][..], &utf16(&pem)].concat()),
            (
                "UTF-16 and CR LF",
                [&[0xff, 0xfe][..], &utf16(&pem.replace('\n', "\r\n"))].concat(),
            ),
            (
                "what openssl pkcs12 writes",
                format!("Bag Attributes\n    friendlyName: b\u{fc}ro\nKey Attributes: <No Attributes>\n{pem}").into(),
            ),
            (
                "bytes of no text before it",
                [&b"\xfc\xff\n"[..], pem.as_bytes()].concat(),
            ),
            ("indented", format!("  {}", pem.replace('\n', "\t\n  ")).into()),
            ("escaped", pem.replace('\n', "\\n").into()),
            ("escaped CR LF", pem.replace('\n', "\\r\\n").into()),
            ("one line", pem.replace('\n', " ").into()),
            ("no line break at its end", pem.trim().into()),
            (
                "after parameters",
                format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{pem}").into(),
            ),
        ];
        for (what, bytes) in rows {
            let key = private_key(&bytes).unwrap_or_else(|why| panic!("{what}: {why:?}"));
            assert_eq!(key.secret_der(), der, "{what}");
        }
    }

    #[test]
    fn what_is_damaged_is_told_from_what_is_something_else() {
        let (pem, _) = made();
        let lines: Vec<&str> = pem.lines().collect();
        let cut = lines[..lines.len() - 1].join("\n");
        assert_eq!(private_key(cut.as_bytes()).unwrap_err(), Unreadable::NoEnd);
        let damaged = pem.replace("MI", "M\u{2014}");
        assert_eq!(private_key(damaged.as_bytes()).unwrap_err(), Unreadable::Damaged);
        assert_eq!(
            certificates(pem.as_bytes()).unwrap_err(),
            Unreadable::Content(Content::PrivateKey)
        );
    }
}
