//! Signed public keys and challenges, as HTML's `<keygen>` made them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deno_core::op2;
use deno_error::JsErrorBox;
use deno_node_crypto::keys::KeyObjectHandle;

use super::der::{element, expect};
use super::guard::guarded;
use super::hashes;
use super::keys::checked;

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
const BITS: u8 = 0x03;

/// The most that is read, in bytes.
const LONGEST: usize = 1 << 15;

/// Signatures' algorithms, and their hashes.
const ALGORITHMS: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04], "md5"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05], "sha1"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b], "sha256"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c], "sha384"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d], "sha512"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0e], "sha224"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], "sha1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02], "sha256"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03], "sha384"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04], "sha512"),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x02], "sha256"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03], "sha1"),
];

/// Whether what is signed was signed by the key in it. Nothing where it can not be read.
fn verified(text: &[u8]) -> Option<Result<bool, JsErrorBox>> {
    let plain: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != 0)
        .collect();
    let der = BASE64_STANDARD.decode(plain).ok()?;
    let mut rest = &der[..];
    let mut whole = expect(&mut rest, SEQUENCE)?;
    let content = expect(&mut whole, SEQUENCE)?;
    let mut algorithm = expect(&mut whole, SEQUENCE)?;
    let name = expect(&mut algorithm, OID)?;
    let (0, signature) = expect(&mut whole, BITS)?
        .split_first()
        .map(|(first, rest)| (*first, rest))?
    else {
        return None;
    };
    let mut of_content = content;
    let spki = element(SEQUENCE, &[expect(&mut of_content, SEQUENCE)?]);
    let hash = ALGORITHMS.iter().find(|(oid, _)| *oid == name)?.1;
    let signed = element(SEQUENCE, &[content]);
    Some(guarded(|| {
        let key = KeyObjectHandle::new_asymmetric_public_key_from_js(&spki, "der", "spki", None);
        let key = checked(key.map_err(JsErrorBox::from_err)?)?;
        let Some(mut fixed) = hashes::fixed(hash) else {
            return Ok(false);
        };
        fixed.update(&signed);
        let verified = key.verify_prehashed(hash, &fixed.finalize(), signature, None, None, 0);
        verified.map_err(JsErrorBox::from_err)
    }))
}

/// Whether a SPKAC is signed by its own key.
#[op2(fast)]
pub(crate) fn op_node_spkac_verify(#[buffer] text: &[u8]) -> bool {
    text.len() <= LONGEST && matches!(verified(text), Some(Ok(true)))
}
