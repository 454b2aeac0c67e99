//! What a DER (or BER) structure is, by its first elements.

use x509_parser::asn1_rs::{Any, FromDer as _};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::content::Content;

/// PKCS #7 (RFC 2315): data and signedData.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const SIGNED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// Password-based encryption: PKCS #5's (RFC 8018) and PKCS #12's (RFC 7292).
const ENCRYPTED: [&[u8]; 2] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01],
];

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// How far the first object identifier of what is told by it can be.
const HEAD: usize = 40;

/// Gives nothing where the bytes are no such structure.
pub(super) fn content(bytes: &[u8]) -> Option<Content> {
    let head = &bytes[..bytes.len().min(HEAD)];
    // Text can begin with a 0, which is SEQUENCE's number: then what follows is no length.
    let is_length = |length: u8| length >= 0x80 || usize::from(length) + 2 == bytes.len();
    if head.first() != Some(&SEQUENCE) || !head.get(1).copied().is_some_and(is_length) {
        return None;
    }
    let at = |needle: &[u8]| head.windows(needle.len()).position(|window| window == needle);
    if let Some(place) = at(DATA).or(at(SIGNED)) {
        // PFX begins with its version, 3. Its lengths may be BER's indefinite ones, which no DER parser reads.
        let is_pfx = at(&[INTEGER, 1, 3]).is_some_and(|version| version < place);
        return Some(if is_pfx { Content::Pkcs12 } else { Content::DerPkcs7 });
    }
    if ENCRYPTED.iter().any(|algorithm| at(algorithm).is_some()) {
        return Some(Content::DerEncryptedKey);
    }
    if x509_parser::parse_x509_certificate(bytes).is_ok() {
        return Some(Content::DerCertificate);
    }
    if X509CertificationRequest::from_der(bytes).is_ok() {
        return Some(Content::DerRequest);
    }
    if x509_parser::parse_x509_crl(bytes).is_ok() {
        return Some(Content::DerRevocationList);
    }
    if SubjectPublicKeyInfo::from_der(bytes).is_ok() {
        return Some(Content::DerPublicKey);
    }
    let (rest, outer) = Any::from_der(bytes).ok()?;
    if !rest.is_empty() {
        return None;
    }
    // PKCS #8 and PKCS #1 begin with the version 0 (or 1), SEC 1 with 1.
    let is_key = matches!(outer.data, [INTEGER, 1, 0 | 1, ..]);
    Some(if is_key {
        Content::DerPrivateKey
    } else {
        Content::OtherDer
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_told_apart() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&pair).unwrap();
        let request = params.serialize_request(&pair).unwrap();
        let public = rcgen::PublicKeyData::subject_public_key_info(&pair);
        for (bytes, expected) in [
            (certificate.der().to_vec(), Content::DerCertificate),
            (request.der().to_vec(), Content::DerRequest),
            (pair.serialize_der(), Content::DerPrivateKey),
            (public, Content::DerPublicKey),
            (
                [&[0x30, 0x80, 2, 1, 3, 0x30, 0x80, 6, 9][..], DATA, &[0; 40]].concat(),
                Content::Pkcs12,
            ),
            (
                [&[0x30, 0x82, 1, 0, 6, 9][..], SIGNED, &[0; 40]].concat(),
                Content::DerPkcs7,
            ),
        ] {
            assert_eq!(content(&bytes), Some(expected));
        }
        for text in ["0123456789", "0\u{81}", "", "0"] {
            assert_eq!(content(text.as_bytes()), None, "{text}");
        }
    }
}
