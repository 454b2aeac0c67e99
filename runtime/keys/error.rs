//! What is wrong with a file of a certificate or a key, and what turns it into one that can be used.

use std::path::{Path, PathBuf};

use super::content::Content;
use super::pem::Unreadable;

/// Why a file cannot be used. It says nothing of the file's content but its kind.
#[derive(Debug, thiserror::Error)]
#[error("{file}{why}")]
pub struct KeyFileError {
    /// The file with a colon, or nothing where it is none.
    file: String,
    why: String,
}

/// What a file is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Certificate,
    PrivateKey,
}

impl KeyFileError {
    /// What a sentence says that names the file.
    pub(super) fn said(why: String) -> Self {
        Self {
            file: String::new(),
            why,
        }
    }

    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self {
            file: format!("{}: ", path.display()),
            why: error.to_string(),
        }
    }
}

impl Unreadable {
    pub(super) fn of(self, wanted: Wanted, path: Option<&Path>) -> KeyFileError {
        KeyFileError {
            file: path.map_or_else(String::new, |path| format!("{}: ", path.display())),
            why: match self {
                Self::NoEnd => "its PEM ends too early: a line -----BEGIN …----- has no -----END …-----".to_owned(),
                Self::Damaged => "its PEM is damaged: between its markers is something that is no base64".to_owned(),
                Self::Content(content) => sentence(content, wanted, path),
            },
        }
    }
}

fn sentence(content: Content, wanted: Wanted, path: Option<&Path>) -> String {
    let what = what(content);
    let is_of_kind = match wanted {
        Wanted::Certificate => !matches!(
            content,
            Content::PrivateKey
                | Content::EncryptedKey
                | Content::LegacyEncryptedKey
                | Content::OpenSshKey
                | Content::PuttyKey
                | Content::DerPrivateKey
                | Content::DerEncryptedKey
        ),
        Wanted::PrivateKey => !matches!(
            content,
            Content::Certificate
                | Content::TrustedCertificate
                | Content::Pkcs7
                | Content::DerCertificate
                | Content::DerPkcs7
        ),
    };
    let name = match wanted {
        Wanted::Certificate => "a certificate",
        Wanted::PrivateKey => "a private key",
    };
    if !is_of_kind {
        return format!("it is {what}, where {name} is expected");
    }
    match command(content, wanted, path) {
        Some(command) => format!("it is {what}, where {name} in PEM is expected. Convert it: {command}"),
        None => format!("it is {what}, where {name} in PEM is expected"),
    }
}

fn what(content: Content) -> &'static str {
    match content {
        Content::Empty => "empty",
        Content::Certificate => "a certificate",
        Content::TrustedCertificate => "a certificate in OpenSSL's own format",
        Content::PrivateKey => "a private key",
        Content::EncryptedKey => "an encrypted private key (PKCS #8)",
        Content::LegacyEncryptedKey => "an encrypted private key (of OpenSSL's old format)",
        Content::DsaKey => "a DSA key, which neither TLS nor JWTs use",
        Content::PublicKey => "a public key",
        Content::Request => "a certificate request, for which its authority gives a certificate",
        Content::RevocationList => "a certificate revocation list",
        Content::Parameters => "parameters without a key",
        Content::Pkcs7 => "certificates in PKCS #7",
        Content::OpenSshKey => "a private key in OpenSSH's format",
        Content::Pgp => "a key of OpenPGP, which is for mail",
        Content::OtherPem => "PEM of something else",
        Content::DerCertificate => "a certificate in DER",
        Content::DerPrivateKey => "a private key in DER",
        Content::DerEncryptedKey => "an encrypted private key in DER",
        Content::DerPublicKey => "a public key in DER",
        Content::DerRequest => "a certificate request in DER, for which its authority gives a certificate",
        Content::DerRevocationList => "a certificate revocation list in DER",
        Content::DerPkcs7 => "certificates in PKCS #7, in DER",
        Content::Pkcs12 => "a PKCS #12 file (.p12, .pfx)",
        Content::OtherDer => "DER of something else",
        Content::JavaKeyStore => "a Java key store",
        Content::PuttyKey => "a private key in PuTTY's format",
        Content::SshPublicKey => "a public key of SSH",
        Content::ServiceAccount => "JSON of a service account, whose field private_key is the key",
        Content::JsonWebKey => "a JSON Web Key",
        Content::Json => "JSON",
        Content::Text => "text without a line -----BEGIN …-----",
        Content::Binary => "binary data of no known kind",
    }
}

/// The command that makes PEM of it, for a shell. Passwords are asked for by it.
fn command(content: Content, wanted: Wanted, path: Option<&Path>) -> Option<String> {
    let (from, to) = match path {
        Some(path) => (quoted(path), quoted(&converted(path))),
        None => ("FILE".to_owned(), "FILE.pem".to_owned()),
    };
    let pkcs12 = match wanted {
        Wanted::Certificate => "-nokeys",
        Wanted::PrivateKey => "-nocerts -nodes",
    };
    Some(match content {
        Content::TrustedCertificate => format!("openssl x509 -in {from} -out {to}"),
        Content::EncryptedKey | Content::LegacyEncryptedKey => format!("openssl pkey -in {from} -out {to}"),
        Content::Pkcs7 => format!("openssl pkcs7 -in {from} -print_certs -out {to}"),
        Content::OpenSshKey => format!("cp {from} {to} && ssh-keygen -p -N '' -m PKCS8 -f {to}"),
        Content::DerCertificate => format!("openssl x509 -inform DER -in {from} -out {to}"),
        Content::DerPrivateKey => format!("openssl pkey -inform DER -in {from} -out {to}"),
        Content::DerEncryptedKey => format!("openssl pkcs8 -inform DER -in {from} -out {to}"),
        Content::DerPkcs7 => format!("openssl pkcs7 -inform DER -in {from} -print_certs -out {to}"),
        Content::Pkcs12 => format!("openssl pkcs12 -in {from} {pkcs12} -out {to}"),
        Content::JavaKeyStore => format!(
            "keytool -importkeystore -srckeystore {from} -destkeystore store.p12 -deststoretype PKCS12 \
             && openssl pkcs12 -in store.p12 {pkcs12} -out {to}"
        ),
        Content::PuttyKey => format!("puttygen {from} -O private-openssh -o {to}"),
        Content::ServiceAccount => format!("jq -r .private_key {from} > {to}"),
        _ => return None,
    })
}

/// The file's name with `.pem`, which is another file's.
fn converted(path: &Path) -> PathBuf {
    let other = path.with_extension("pem");
    if other == path {
        path.with_extension("plain.pem")
    } else {
        other
    }
}

pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@%:,".contains(&byte);
    if text.bytes().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(content: Content, wanted: Wanted, path: &str) -> String {
        Unreadable::Content(content)
            .of(wanted, Some(Path::new(path)))
            .to_string()
    }

    #[test]
    fn the_command_is_for_the_shell() {
        assert_eq!(
            said(Content::Pkcs12, Wanted::PrivateKey, "my certs/it's.pfx"),
            "my certs/it's.pfx: it is a PKCS #12 file (.p12, .pfx), where a private key in PEM is expected. \
             Convert it: openssl pkcs12 -in 'my certs/it'\\''s.pfx' -nocerts -nodes -out 'my certs/it'\\''s.pem'"
        );
        assert!(said(Content::EncryptedKey, Wanted::PrivateKey, "a.pem").ends_with("-in a.pem -out a.plain.pem"));
    }

    #[test]
    fn one_in_the_others_place() {
        assert_eq!(
            said(Content::Certificate, Wanted::PrivateKey, "a"),
            "a: it is a certificate, where a private key is expected"
        );
        assert_eq!(
            said(Content::DerPrivateKey, Wanted::Certificate, "a"),
            "a: it is a private key in DER, where a certificate is expected"
        );
    }
}
