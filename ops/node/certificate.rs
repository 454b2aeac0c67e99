//! What certificates (RFC 5280) say of names and usages, as Node.js and OpenSSL tell it.

use std::fmt::Write as _;

use deno_core::op2;
use deno_core::serde_json::json;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::{OID_X509_EXT_EXTENDED_KEY_USAGE, Oid};
use x509_parser::prelude::FromDer as _;

use super::der::{expect, take};

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;

/// How a host is looked for, as the ops number it: whether the subject counts, and what a wildcard may be.
const ALWAYS_SUBJECT: u32 = 0x01;
const NEVER_SUBJECT: u32 = 0x02;
const NO_WILDCARDS: u32 = 0x04;
const NO_PARTIAL: u32 = 0x08;
const MULTI_LABEL: u32 = 0x10;
const SINGLE_LABEL_SUBDOMAINS: u32 = 0x20;

fn alternatives<'a>(certificate: &'a X509Certificate<'_>) -> Vec<&'a GeneralName<'a>> {
    let found = certificate.subject_alternative_name().ok().flatten();
    found
        .map(|names| names.value.general_names.iter().collect())
        .unwrap_or_default()
}

/// A name that can not be mistaken for two, as Node writes it: whatever else is a string of JSON.
fn named(kind: &str, name: &str) -> String {
    let plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | ',' | '\'');
    if name.chars().all(plain) {
        return format!("{kind}:{name}");
    }
    let mut text = format!("{kind}:\"");
    for byte in name.bytes() {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'"' => text.push_str("\\\""),
            b',' | 0..=0x1f | 0x7f.. => {
                let _ = write!(text, "\\u{byte:04x}");
            }
            _ => text.push(char::from(byte)),
        }
    }
    text + "\""
}

fn address(bytes: &[u8]) -> String {
    if let [a, b, c, d] = bytes {
        return format!("IP Address:{a}.{b}.{c}.{d}");
    }
    if bytes.len() != 16 {
        return format!("IP Address:<invalid length={}>", bytes.len());
    }
    let groups: Vec<String> = bytes
        .chunks_exact(2)
        .map(|pair| format!("{:X}", u16::from_be_bytes([pair[0], pair[1]])))
        .collect();
    format!("IP Address:{}", groups.join(":"))
}

/// The alternative names in one line. Nothing where there is one that `deno_node_crypto` tells better.
fn alternative_line(certificate: &X509Certificate<'_>) -> Option<String> {
    let names: Option<Vec<String>> = alternatives(certificate)
        .into_iter()
        .map(|name| match name {
            GeneralName::DNSName(name) => Some(named("DNS", name)),
            GeneralName::RFC822Name(name) => Some(named("email", name)),
            GeneralName::URI(name) => Some(named("URI", name)),
            GeneralName::IPAddress(bytes) => Some(address(bytes)),
            GeneralName::RegisteredID(oid) => Some(format!("Registered ID:{}", oid.to_id_string())),
            _ => None,
        })
        .collect();
    names.filter(|names| !names.is_empty()).map(|names| names.join(", "))
}

/// The purposes of the key, in the order of the file.
fn usages(certificate: &X509Certificate<'_>) -> Option<Vec<String>> {
    let extension = certificate
        .extensions()
        .iter()
        .find(|extension| extension.oid == OID_X509_EXT_EXTENDED_KEY_USAGE)?;
    let mut rest = extension.value;
    let mut list = expect(&mut rest, SEQUENCE)?;
    let mut found = Vec::new();
    while let Some((OID, bytes)) = take(&mut list) {
        found.push(Oid::new(bytes.into()).to_id_string());
    }
    Some(found)
}

/// JSON of `subjectAltName` and `keyUsage`, each left out where it is not for this to say.
#[op2]
#[string]
pub(crate) fn op_node_x509_said(#[buffer] der: &[u8]) -> String {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return "{}".into();
    };
    json!({ "subjectAltName": alternative_line(&certificate), "keyUsage": usages(&certificate) }).to_string()
}

/// The name in a certificate by which it is for this host (RFC 6125, as OpenSSL's `X509_check_host` reads it).
#[op2]
#[string]
pub(crate) fn op_node_x509_host(#[buffer] der: &[u8], #[string] host: &str, #[smi] flags: u32) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let mut any = false;
    for name in alternatives(&certificate) {
        if let GeneralName::DNSName(name) = name {
            any = true;
            if matches(name, host, flags) {
                return Some((*name).to_owned());
            }
        }
    }
    if (any && flags & ALWAYS_SUBJECT == 0) || flags & NEVER_SUBJECT != 0 {
        return None;
    }
    let mut names = certificate
        .subject()
        .iter_common_name()
        .filter_map(|name| name.as_str().ok());
    names.find(|name| matches(name, host, flags)).map(ToOwned::to_owned)
}

fn matches(pattern: &str, host: &str, flags: u32) -> bool {
    if pattern.is_empty() || host.is_empty() || pattern.contains('\0') {
        return false;
    }
    // A host with a dot before it is any below it.
    if host.len() > 1 && host.starts_with('.') && pattern.len() > host.len() {
        let (front, end) = pattern.split_at_checked(pattern.len() - host.len()).unwrap_or_default();
        let one = flags & SINGLE_LABEL_SUBDOMAINS == 0 || !front.contains('.');
        if one && end.eq_ignore_ascii_case(host) && !pattern.contains('*') {
            return true;
        }
    }
    if flags & NO_WILDCARDS == 0 {
        if let Some(star) = star(pattern, flags) {
            return wildcard(&pattern[..star], &pattern[star + 1..], host, flags);
        }
    }
    pattern.eq_ignore_ascii_case(host)
}

/// Where the one star of a pattern is, if it may be there: in the first of three labels or more.
fn star(pattern: &str, flags: u32) -> Option<usize> {
    let place = pattern.find('*')?;
    let (label, rest) = pattern.split_once('.')?;
    let well = |label: &str| {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(letters) && !label.starts_with('-') && !label.ends_with('-')
    };
    let partial = label != "*";
    let idna = label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    let alone = place < label.len() && pattern[place + 1..].find('*').is_none();
    let around = label.replace('*', "");
    let allowed = !partial || (flags & NO_PARTIAL == 0 && !idna && well(&format!("a{around}a")));
    (alone && allowed && rest.contains('.') && rest.split('.').all(well)).then_some(place)
}

fn wildcard(before: &str, after: &str, host: &str, flags: u32) -> bool {
    let middle = host.len().checked_sub(before.len() + after.len());
    let Some((start, rest)) = middle.and_then(|_| host.split_at_checked(before.len())) else {
        return false;
    };
    let Some((middle, end)) = middle.and_then(|length| rest.split_at_checked(length)) else {
        return false;
    };
    if !start.eq_ignore_ascii_case(before) || !end.eq_ignore_ascii_case(after) {
        return false;
    }
    let whole = before.is_empty() && after.starts_with('.');
    if whole && middle.is_empty() {
        return false;
    }
    let idna = middle.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    if idna && !whole {
        return false;
    }
    let many = whole && flags & MULTI_LABEL != 0;
    middle == "*"
        || middle
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || (many && c == '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_those_of_openssl() {
        for (pattern, host, flags, is) in [
            ("example.com", "EXAMPLE.com", 0, true),
            ("*.example.com", "a.example.com", 0, true),
            ("*.example.com", "a.b.example.com", 0, false),
            ("*.example.com", "a.b.example.com", MULTI_LABEL, true),
            ("*.example.com", "example.com", 0, false),
            ("*.example.com", ".example.com", 0, false),
            ("*.example.com", "a.example.com", NO_WILDCARDS, false),
            ("f*.example.com", "foo.example.com", 0, true),
            ("f*.example.com", "foo.example.com", NO_PARTIAL, false),
            ("*.com", "example.com", 0, false),
            ("a.*.com", "a.b.com", 0, false),
            ("*.*.com", "a.b.com", 0, false),
            ("xn--*.example.com", "xn--a.example.com", 0, false),
            ("*.example.com", "xn--a.example.com", 0, true),
            ("www.example.com", ".example.com", 0, true),
            ("a.www.example.com", ".example.com", SINGLE_LABEL_SUBDOMAINS, false),
        ] {
            assert_eq!(matches(pattern, host, flags), is, "{pattern} {host} {flags}");
        }
    }

    #[test]
    fn names_are_never_two() {
        assert_eq!(named("DNS", "a.test"), "DNS:a.test");
        assert_eq!(named("DNS", "a, DNS:b"), "DNS:\"a\\u002c DNS:b\"");
        assert_eq!(
            address(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 1]),
            "IP Address:0:0:0:0:0:0:0:AB01"
        );
    }
}
