//! Distinguished names as text, in the two forms that OpenSSL, nginx and Cloudflare have for them.

use std::fmt::Write as _;

use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Attribute types with their short names (RFC 4519, PKCS #9).
const TYPES: [(&str, &str); 14] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.42", "GN"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// As RFC 2253 writes it: `CN=a,O=b`, the last part first. What is no printable ASCII is `\XX` for each byte of its UTF-8.
pub(super) fn rfc2253(name: &X509Name<'_>) -> String {
    let parts: Vec<_> = name.iter_rdn().collect();
    let mut text = String::new();
    for (index, part) in parts.into_iter().rev().enumerate() {
        for (place, attribute) in part.iter().enumerate() {
            if place > 0 {
                text.push('+');
            } else if index > 0 {
                text.push(',');
            }
            let (label, is_known) = label(attribute);
            text.push_str(&label);
            text.push('=');
            match attribute.as_str() {
                Ok(value) if is_known => escape(&mut text, value),
                _ => dump(&mut text, attribute),
            }
        }
    }
    text
}

/// As OpenSSL wrote names at first: `/O=b/CN=a`. What is no printable ASCII is `\xXX`.
pub(super) fn legacy(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    for attribute in name.iter_attributes() {
        text.push('/');
        text.push_str(&label(attribute).0);
        text.push('=');
        for byte in attribute.attr_value().data {
            if (0x20..0x7f).contains(byte) {
                text.push(char::from(*byte));
            } else {
                let _ = write!(text, "\\x{byte:02X}");
            }
        }
    }
    text
}

/// An attribute's type as it is written, and whether that is a name.
fn label(attribute: &AttributeTypeAndValue<'_>) -> (String, bool) {
    let oid = attribute.attr_type().to_id_string();
    match TYPES.iter().find(|(known, _)| *known == oid) {
        Some((_, name)) => ((*name).to_owned(), true),
        None => (oid, false),
    }
}

fn escape(text: &mut String, value: &str) {
    let last = value.len().saturating_sub(1);
    for (at, byte) in value.bytes().enumerate() {
        let is_special = matches!(byte, b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';')
            || (at == 0 && matches!(byte, b'#' | b' '))
            || (at == last && byte == b' ');
        if is_special {
            text.push('\\');
        }
        if (0x20..0x7f).contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "\\{byte:02X}");
        }
    }
}

/// A value without a form as text: its DER (RFC 2253, section 2.4).
fn dump(text: &mut String, attribute: &AttributeTypeAndValue<'_>) {
    let value = attribute.attr_value();
    let length = value.data.len();
    let _ = write!(text, "#{:02X}", value.header.tag().0 & 0x1f);
    if length < 0x80 {
        let _ = write!(text, "{length:02X}");
    } else {
        let bytes = length.to_be_bytes();
        let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        let _ = write!(text, "{:02X}", 0x80 | bytes.len());
        for byte in bytes {
            let _ = write!(text, "{byte:02X}");
        }
    }
    for byte in value.data {
        let _ = write!(text, "{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;

    #[test]
    fn a_name_has_two_forms() {
        let mut name = DistinguishedName::new();
        name.push(DnType::CountryName, "US");
        name.push(DnType::OrganizationName, "Acme, Inc. <x>");
        name.push(DnType::CustomDnType(vec![1, 2, 3, 4]), "own");
        name.push(DnType::CommonName, " Zoë; #1 ");
        let mut params = CertificateParams::default();
        params.distinguished_name = name;
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate.der()).unwrap();
        assert_eq!(
            rfc2253(parsed.subject()),
            "CN=\\ Zo\\C3\\AB\\; #1\\ ,1.2.3.4=#0C036F776E,O=Acme\\, Inc. \\<x\\>,C=US"
        );
        assert_eq!(
            legacy(parsed.subject()),
            "/C=US/O=Acme, Inc. <x>/1.2.3.4=own/CN= Zo\\xC3\\xAB; #1 "
        );
    }
}
