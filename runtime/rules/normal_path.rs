//! Paths in normal form: those that every server reads in the same way, however often it decodes them, and whatever it takes off
//! their segments. What is not known to be one is none.

use deno_core::url::Url;
use percent_encoding::percent_decode_str;

/// Whether a URL's path is in normal form:
///
/// - A percent sign begins an escape of a byte that must be one: neither a letter, digit or one of `-._~` (RFC 3986, section
///   6.2.2.2), nor what begins another escape.
/// - Decoded, it is UTF-8, without the characters that separate the parts of paths and URLs, controls, and those that stand for one
///   of these, or for nothing, elsewhere.
/// - No segment is empty but the last, begins or ends with a space, ends with a dot, or is made of dots, before its parameters too.
pub(super) fn is_normal(url: &Url) -> bool {
    let path = url.path();
    let Some(segments) = path.strip_prefix('/') else {
        return false;
    };
    if !is_encoded_once(path.as_bytes()) {
        return false;
    }
    let mut segments = segments.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if segment.is_empty() {
            if !is_last {
                return false;
            }
        } else if !is_plain(segment) {
            return false;
        }
    }
    true
}

/// Whether each percent sign begins an escape that is needed, and what it stands for begins no other.
fn is_encoded_once(mut path: &[u8]) -> bool {
    while let Some(at) = path.iter().position(|byte| *byte == b'%') {
        let (Some(high), Some(low)) = (digit(path.get(at + 1)), digit(path.get(at + 2))) else {
            return false;
        };
        let byte = high * 16 + low;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            return false;
        }
        path = path.get(at + 3..).unwrap_or_default();
        // `%25` and what makes an escape of it for who decodes again.
        let more = |next: &u8| next.is_ascii_hexdigit() || matches!(next, b'u' | b'U' | b'%');
        if byte == b'%' && path.first().is_some_and(more) {
            return false;
        }
    }
    true
}

fn digit(byte: Option<&u8>) -> Option<u8> {
    let digit = char::from(*byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}

fn is_plain(segment: &str) -> bool {
    let Ok(decoded) = percent_decode_str(segment).decode_utf8() else {
        return false;
    };
    if decoded.chars().any(is_doubtful) {
        return false;
    }
    // Some servers take parameters off before they look at a segment, and some do not (RFC 3986, section 3.3).
    decoded.split(';').enumerate().all(|(index, part)| {
        if part.is_empty() {
            return index > 0;
        }
        !part.ends_with(['.', ' ']) && !part.starts_with(' ')
    })
}

/// Whether a character separates parts of a path or a URL, is none that is seen, or is taken for one of those by who normalises or
/// narrows text (Unicode's NFKC, and code pages).
pub(super) fn is_doubtful(character: char) -> bool {
    matches!(
        character,
        '/' | '\\' | '?' | '#'
            // Look like dots, slashes, percent signs and semicolons.
            | '\u{37e}' | '\u{2024}'..='\u{2026}' | '\u{2044}' | '\u{2215}' | '\u{2216}' | '\u{29f5}' | '\u{29f8}'
            | '\u{2100}' | '\u{2101}' | '\u{2105}' | '\u{2106}' | '\u{2488}'..='\u{249b}' | '\u{3002}' | '\u{fe52}'
            | '\u{fe54}' | '\u{fe68}' | '\u{fe6a}' | '\u{ff05}' | '\u{ff0e}' | '\u{ff0f}' | '\u{ff1b}' | '\u{ff3c}'
            | '\u{ff61}'
            // White space that is not a plain space, and what nobody sees.
            | '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{1680}' | '\u{180b}'..='\u{180e}' | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}'
    ) || character.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_normal_path(path: &str) -> bool {
        is_normal(&Url::parse(&format!("https://a.example{path}")).unwrap())
    }

    #[test]
    fn what_servers_read_alike_passes() {
        for path in [
            "/",
            "/a",
            "/a/",
            "/a/b.c/d..e/.f",
            "/~a/b-c_d",
            "/a%20b/c%2Bd",
            "/caf%C3%A9/\u{4e2d}",
            "/a;v=1/b;c",
            "/a:b@c,d!$&'()*+=",
            "/100%25",
            "/100%25/x",
            "/{a}/[b]|c",
        ] {
            assert!(is_normal_path(path), "{path}");
        }
    }

    #[test]
    fn what_some_server_reads_otherwise_does_not() {
        for path in [
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/%2e%2e/x%2e",
            "/a%2eb",
            "/a%252fb",
            "/%25252fx",
            "/a/%25%32%65/b",
            "/%%32e/b",
            "/%2%65/b",
            "/%",
            "/%2",
            "/%zz",
            "/%u002e/b",
            "/%25u002e",
            "/%c0%ae/b",
            "/%c0%af",
            "/%e0%80%ae",
            "/%f0%80%80%ae",
            "/%ff",
            "/%61",
            "/%41%42",
            "/a//b",
            "//a",
            "/a//",
            "/..;/b",
            "/a/..;x=1/b",
            "/.;x/b",
            "/;/b",
            "/;x",
            "/..%3bx/b",
            "/%3b/b",
            "/a./b",
            "/a.",
            "/.../b",
            "/a%20/b",
            "/a%20",
            "/%20a",
            "/a.;x/b",
            "/a%20;x",
            "/a;../b",
            "/a;%20x",
            "/a%00b",
            "/a%0ab",
            "/a%0d",
            "/a%09b",
            "/a%7f",
            "/a%c2%85",
            "/%3f",
            "/a%23b",
            "/%ef%bc%8e%ef%bc%8e/b",
            "/a%ef%bc%8fb",
            "/.%e2%80%8b./b",
            "/a%e2%80%ae",
            "/%25%20%25%32%65",
            "/%25%25",
        ] {
            assert!(!is_normal_path(path), "{path}");
        }
        assert!(!is_normal(&Url::parse("data:x").unwrap()));
    }
}
