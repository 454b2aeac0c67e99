//! Hosts' names as `node:url` and `node:punycode` have them.

use deno_core::op2;

/// What is converted has at most so many bytes: the algorithms take its square's time.
const LONGEST: usize = 4096;

/// A domain in ASCII: <https://url.spec.whatwg.org/#concept-domain-to-ascii>. Empty where it is none.
#[op2]
#[string]
pub(crate) fn op_node_domain_to_ascii(#[string] domain: &str) -> String {
    if domain.len() > LONGEST {
        return String::new();
    }
    ada_url::Idna::ascii(domain)
}

/// A domain in Unicode.
#[op2]
#[string]
pub(crate) fn op_node_domain_to_unicode(#[string] domain: &str) -> String {
    if domain.len() > LONGEST {
        return String::new();
    }
    ada_url::Idna::unicode(domain)
}

/// RFC 3492. Nothing where it can not be encoded.
#[op2]
#[string]
pub(crate) fn op_node_punycode_encode(#[string] text: &str) -> Option<String> {
    (text.len() <= LONGEST).then(|| idna::punycode::encode_str(text))?
}

/// RFC 3492. Nothing where it is none.
#[op2]
#[string]
pub(crate) fn op_node_punycode_decode(#[string] text: &str) -> Option<String> {
    (text.len() <= LONGEST).then(|| idna::punycode::decode_to_string(text))?
}
