//! Tells what bytes are by their first elements, their labels or their magic number.

use super::content::Content;
use super::{der, text};

/// Sections by their label, the most telling first: of a key with its certificates it is the key that matters.
const LABELS: [(&str, Content); 18] = [
    ("ENCRYPTED PRIVATE KEY", Content::EncryptedKey),
    ("OPENSSH PRIVATE KEY", Content::OpenSshKey),
    ("DSA PRIVATE KEY", Content::DsaKey),
    ("PRIVATE KEY", Content::PrivateKey),
    ("RSA PRIVATE KEY", Content::PrivateKey),
    ("EC PRIVATE KEY", Content::PrivateKey),
    ("CERTIFICATE", Content::Certificate),
    ("TRUSTED CERTIFICATE", Content::TrustedCertificate),
    ("X509 CERTIFICATE", Content::TrustedCertificate),
    ("PUBLIC KEY", Content::PublicKey),
    ("RSA PUBLIC KEY", Content::PublicKey),
    ("CERTIFICATE REQUEST", Content::Request),
    ("NEW CERTIFICATE REQUEST", Content::Request),
    ("X509 CRL", Content::RevocationList),
    ("PKCS7", Content::Pkcs7),
    ("CMS", Content::Pkcs7),
    ("PGP PRIVATE KEY BLOCK", Content::Pgp),
    ("PGP PUBLIC KEY BLOCK", Content::Pgp),
];

/// Magic numbers of Java's key stores: JKS and JCEKS.
const JAVA: [[u8; 4]; 2] = [[0xfe, 0xed, 0xfe, 0xed], [0xce, 0xce, 0xce, 0xce]];

pub(super) fn of(bytes: &[u8]) -> Content {
    if let Some(content) = der::content(bytes) {
        return content;
    }
    if JAVA.iter().any(|magic| bytes.starts_with(magic)) {
        return Content::JavaKeyStore;
    }
    let text = text::of(bytes);
    let text = text.trim();
    if text.is_empty() {
        return Content::Empty;
    }
    if text.contains("-----BEGIN ") {
        return of_pem(text);
    }
    if text.starts_with("PuTTY-User-Key-File-") {
        return Content::PuttyKey;
    }
    if ["ssh-", "ecdsa-sha2-", "sk-", "---- BEGIN SSH2 PUBLIC KEY"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        return Content::SshPublicKey;
    }
    if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text) {
        return if object.contains_key("private_key") {
            Content::ServiceAccount
        } else if object.contains_key("kty") || object.contains_key("keys") {
            Content::JsonWebKey
        } else {
            Content::Json
        };
    }
    if text.contains('\0') || text.contains(char::REPLACEMENT_CHARACTER) {
        return Content::Binary;
    }
    Content::Text
}

fn of_pem(text: &str) -> Content {
    let has = |label: &str| text.contains(&format!("-----BEGIN {label}-----"));
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Content::LegacyEncryptedKey;
    }
    let found = LABELS.iter().find(|(label, _)| has(label));
    match found {
        Some((_, content)) => *content,
        None if has("EC PARAMETERS") || has("DH PARAMETERS") => Content::Parameters,
        None => Content::OtherPem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_apart() {
        for (text, content) in [
            ("", Content::Empty),
            ("\u{feff} \r\n", Content::Empty),
            ("abc", Content::Text),
            ("{\"a\": 1}", Content::Json),
            (
                "{\"type\":\"service_account\",\"private_key\":\"x\"}",
                Content::ServiceAccount,
            ),
            ("{\"kty\":\"EC\"}", Content::JsonWebKey),
            ("ssh-ed25519 AAAA me@here", Content::SshPublicKey),
            ("ecdsa-sha2-nistp256 AAAA", Content::SshPublicKey),
            ("PuTTY-User-Key-File-3: ssh-rsa\n", Content::PuttyKey),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\n", Content::OpenSshKey),
            ("-----BEGIN EC PARAMETERS-----\n", Content::Parameters),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", Content::Pgp),
            ("-----BEGIN SOMETHING-----\n", Content::OtherPem),
            (
                "-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n",
                Content::LegacyEncryptedKey,
            ),
        ] {
            assert_eq!(of(text.as_bytes()), content, "{text}");
        }
        assert_eq!(of(&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]), Content::JavaKeyStore);
        assert_eq!(of(&[0, 1, 2, 0xff]), Content::Binary);
    }
}
