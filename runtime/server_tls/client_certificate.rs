//! What an agent is told of its client's certificate, as `request.cf.tlsClientAuth`, in Cloudflare's words:
//! <https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties>.

use std::net::IpAddr;

use aws_lc_rs::digest;
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::time::ASN1Time;

use super::names::{legacy, rfc2253};

/// The fields of one that has none are empty.
const EMPTY: [&str; 14] = [
    "certIssuerDN",
    "certIssuerDNRFC2253",
    "certIssuerDNLegacy",
    "certSubjectDN",
    "certSubjectDNRFC2253",
    "certSubjectDNLegacy",
    "certSerial",
    "certIssuerSerial",
    "certSKI",
    "certIssuerSKI",
    "certFingerprintSHA1",
    "certFingerprintSHA256",
    "certNotBefore",
    "certNotAfter",
];

/// A certificate that was verified in the handshake, or that there was none. Nothing where it can not be read.
pub(super) fn described(certificate: Option<&CertificateDer<'_>>) -> Option<Value> {
    if let Some(der) = certificate {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        return Some(presented(der, &certificate));
    }
    let mut none = serde_json::Map::new();
    none.insert("certPresented".into(), "0".into());
    none.insert("certVerified".into(), "NONE".into());
    none.extend(EMPTY.iter().map(|name| ((*name).to_owned(), "".into())));
    none.insert("certRevoked".into(), "0".into());
    none.insert("certSubjectAltNames".into(), json!([]));
    Some(none.into())
}

fn presented(der: &[u8], certificate: &X509Certificate<'_>) -> Value {
    let (issuer, subject) = (rfc2253(certificate.issuer()), rfc2253(certificate.subject()));
    let fingerprint = |algorithm| hex::encode(digest::digest(algorithm, der));
    let (mut ski, mut issuer_ski, mut issuer_serial) = (String::new(), String::new(), String::new());
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(key) => ski = hex::encode_upper(key.0),
            ParsedExtension::AuthorityKeyIdentifier(key) => {
                issuer_ski = key
                    .key_identifier
                    .as_ref()
                    .map(|key| hex::encode_upper(key.0))
                    .unwrap_or_default();
                issuer_serial = key.authority_cert_serial.map(serial).unwrap_or_default();
            }
            _ => {}
        }
    }
    json!({
        "certPresented": "1",
        "certVerified": "SUCCESS",
        "certRevoked": "0",
        "certIssuerDN": issuer,
        "certIssuerDNRFC2253": issuer,
        "certIssuerDNLegacy": legacy(certificate.issuer()),
        "certSubjectDN": subject,
        "certSubjectDNRFC2253": subject,
        "certSubjectDNLegacy": legacy(certificate.subject()),
        "certSerial": serial(certificate.raw_serial()),
        "certIssuerSerial": issuer_serial,
        "certSKI": ski,
        "certIssuerSKI": issuer_ski,
        "certFingerprintSHA1": fingerprint(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        "certFingerprintSHA256": fingerprint(&digest::SHA256),
        "certNotBefore": time(certificate.validity().not_before),
        "certNotAfter": time(certificate.validity().not_after),
        "certSubjectAltNames": alternative_names(certificate),
    })
}

/// A number in hexadecimal digits, as OpenSSL prints it.
fn serial(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    match &bytes[zeros..] {
        [] => "00".to_owned(),
        bytes => hex::encode_upper(bytes),
    }
}

/// `Dec 22 19:39:00 2018 GMT`.
fn time(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let month = time.month().to_string();
    format!(
        "{} {:>2} {:02}:{:02}:{:02} {} GMT",
        month.get(..3).unwrap_or_default(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.year()
    )
}

/// Its other names, of the kinds that have a form as text, as OpenSSL writes them.
fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(format!("DNS:{name}")),
            GeneralName::URI(uri) => Some(format!("URI:{uri}")),
            GeneralName::RFC822Name(address) => Some(format!("email:{address}")),
            GeneralName::IPAddress(bytes) => address(bytes).map(|address| format!("IP:{address}")),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_written_as_openssl_does() {
        let at = |seconds| time(ASN1Time::from_timestamp(seconds).unwrap());
        assert_eq!(at(1_545_507_540), "Dec 22 19:39:00 2018 GMT");
        assert_eq!(at(86_400), "Jan  2 00:00:00 1970 GMT");
        assert_eq!(serial(&[0, 0x93, 0x0a]), "930A");
        assert_eq!(serial(&[0]), "00");
    }
}
