//! Hashes by the names that OpenSSL has for them, and HMAC (RFC 2104) and HKDF (RFC 5869) over any of them.

use aws_lc_rs::digest;
use deno_core::convert::Uint8Array;
use deno_core::op2;
use deno_error::JsErrorBox;
use deno_node_crypto::digest::{Hash, HashError, Hasher};
use deno_node_crypto::keys::KeyObjectHandle;
use sha2::digest::{DynDigest, InvalidBufferSize};

use super::guard::{coded, kind};

/// What a script may ask for at once, in bytes.
const LONGEST: usize = 1 << 20;

/// The name that a hash has in this module, of the names that OpenSSL knows it by.
pub(super) fn plain(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let short = lower.strip_prefix("rsa-").unwrap_or(&lower);
    let short = short.strip_suffix("withrsaencryption").unwrap_or(short);
    let short = short.strip_prefix("id-rsassa-pkcs1-v1_5-with-").unwrap_or(short);
    let short = short.strip_prefix("ssl3-").unwrap_or(short);
    match short {
        "sha1-2" | "sha-1" | "dss1" => "sha1".into(),
        "sha512/224" | "sha-512/224" | "sha2-512/224" => "sha512-224".into(),
        "sha512/256" | "sha-512/256" | "sha2-512/256" => "sha512-256".into(),
        "ripemd" | "rmd160" | "ripemd160withrsa" | "ripemd-160" => "ripemd160".into(),
        "sha-224" | "sha-256" | "sha-384" | "sha-512" => short.replacen('-', "", 1),
        "sha2-224" | "sha2-256" | "sha2-384" | "sha2-512" => short.replacen("2-", "", 1),
        "shake-128" | "shake-256" => short.replacen('-', "", 1),
        "blake2b-512" => "blake2b512".into(),
        "blake2s-256" => "blake2s256".into(),
        other => other.into(),
    }
}

/// The bytes of a block and of what is made, of a plain name. SHAKE has neither where it is to be a hash of one length.
pub(super) fn sizes(plain: &str) -> Option<(usize, usize)> {
    Some(match plain {
        "md4" | "md5" => (64, 16),
        "md5-sha1" => (64, 36),
        "sha1" | "ripemd160" => (64, 20),
        "sha224" => (64, 28),
        "sha256" | "sm3" | "blake2s256" => (64, 32),
        "sha384" => (128, 48),
        "sha512" | "blake2b512" => (128, 64),
        "sha512-224" => (128, 28),
        "sha512-256" => (128, 32),
        "sha3-224" => (144, 28),
        "sha3-256" => (136, 32),
        "sha3-384" => (104, 48),
        "sha3-512" => (72, 64),
        _ => return None,
    })
}

/// A hash of aws-lc's, where that is faster than the one in Rust.
#[derive(Clone)]
struct Native {
    context: digest::Context,
    algorithm: &'static digest::Algorithm,
}

impl Native {
    fn of(plain: &str) -> Option<Box<dyn DynDigest>> {
        let algorithm = match plain {
            "sha384" => &digest::SHA384,
            "sha512" => &digest::SHA512,
            "sha512-256" => &digest::SHA512_256,
            _ => return None,
        };
        let context = digest::Context::new(algorithm);
        Some(Box::new(Self { context, algorithm }))
    }
}

impl DynDigest for Native {
    fn update(&mut self, data: &[u8]) {
        self.context.update(data);
    }

    fn finalize_into(mut self, out: &mut [u8]) -> Result<(), InvalidBufferSize> {
        self.finalize_into_reset(out)
    }

    fn finalize_into_reset(&mut self, out: &mut [u8]) -> Result<(), InvalidBufferSize> {
        let next = digest::Context::new(self.algorithm);
        let made = std::mem::replace(&mut self.context, next).finish();
        if out.len() != made.as_ref().len() {
            return Err(InvalidBufferSize);
        }
        out.copy_from_slice(made.as_ref());
        Ok(())
    }

    fn reset(&mut self) {
        self.context = digest::Context::new(self.algorithm);
    }

    fn output_size(&self) -> usize {
        self.algorithm.output_len()
    }

    fn box_clone(&self) -> Box<dyn DynDigest> {
        Box::new(self.clone())
    }
}

/// What the ops that feed hashes take.
fn hasher(hash: Box<dyn DynDigest>) -> Hasher {
    Hasher {
        hash: std::rc::Rc::new(std::cell::RefCell::new(Some(Hash::FixedSize(hash)))),
        cached_digest: std::rc::Rc::default(),
    }
}

/// A hash that is fed, by its plain name.
pub(super) fn fixed(plain: &str) -> Option<Box<dyn DynDigest>> {
    if let Some(hash) = Native::of(plain) {
        return Some(hash);
    }
    match Hash::new(plain, None) {
        Ok(Hash::FixedSize(hash)) => Some(hash),
        _ => None,
    }
}

/// HMAC as one more hash: so the ops that feed hashes feed it too.
pub(super) struct Keyed {
    inner: Box<dyn DynDigest>,
    outer: Box<dyn DynDigest>,
}

impl Keyed {
    /// Nothing where there is no such hash.
    pub(super) fn new(plain: &str, key: &[u8]) -> Option<Self> {
        let (block, _) = sizes(plain)?;
        let (mut inner, mut outer) = (fixed(plain)?, fixed(plain)?);
        let mut padded = if key.len() > block {
            let mut hash = fixed(plain)?;
            hash.update(key);
            hash.finalize().into_vec()
        } else {
            key.to_vec()
        };
        padded.resize(block, 0);
        for byte in &mut padded {
            *byte ^= 0x36;
        }
        inner.update(&padded);
        for byte in &mut padded {
            *byte ^= 0x36 ^ 0x5c;
        }
        outer.update(&padded);
        Some(Self { inner, outer })
    }
}

impl Clone for Keyed {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.box_clone(),
            outer: self.outer.box_clone(),
        }
    }
}

impl DynDigest for Keyed {
    fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    fn finalize_into(mut self, out: &mut [u8]) -> Result<(), InvalidBufferSize> {
        self.finalize_into_reset(out)
    }

    // What is left has no key: nobody goes on with it.
    fn finalize_into_reset(&mut self, out: &mut [u8]) -> Result<(), InvalidBufferSize> {
        self.outer.update(&self.inner.finalize_reset());
        self.outer.finalize_into_reset(out)
    }

    fn reset(&mut self) {
        self.inner.reset();
        self.outer.reset();
    }

    fn output_size(&self) -> usize {
        self.outer.output_size()
    }

    fn box_clone(&self) -> Box<dyn DynDigest> {
        Box::new(self.clone())
    }
}

fn invalid(name: &str) -> JsErrorBox {
    kind("ERR_CRYPTO_INVALID_DIGEST", format!("Invalid digest: {name}"))
}

/// A hash by any of its names. SHAKE makes as many bytes as are asked for.
#[op2]
#[cppgc]
pub(crate) fn op_node_hash_new(#[string] name: &str, #[smi] length: Option<u32>) -> Result<Hasher, JsErrorBox> {
    let length = length.map(|length| length as usize);
    if length.is_some_and(|length| length > LONGEST) {
        return Err(JsErrorBox::range_error(format!(
            "a hash has at most {LONGEST} bytes here"
        )));
    }
    let plain = plain(name);
    if let Some(hash) = Native::of(&plain).filter(|hash| length.is_none_or(|length| length == hash.output_size())) {
        return Ok(hasher(hash));
    }
    Hasher::new(&plain, length).map_err(|error| match error {
        HashError::OutputLengthMismatch => coded(
            "ERR_OSSL_EVP_NOT_XOF_OR_INVALID_LENGTH",
            "error:030000B2:digital envelope routines::not XOF or invalid length",
        ),
        HashError::DigestMethodUnsupported(_) => JsErrorBox::generic("Digest method not supported"),
    })
}

/// HMAC with a key, over a hash by any of its names.
#[op2]
#[cppgc]
pub(crate) fn op_node_hmac_new(#[string] name: &str, #[anybuffer] key: &[u8]) -> Result<Hasher, JsErrorBox> {
    let keyed = Keyed::new(&plain(name), key).ok_or_else(|| invalid(name))?;
    Ok(hasher(Box::new(keyed)))
}

/// How many bytes a hash makes: 0 where that is for the caller to say, -1 where there is no such hash.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_hash_size(#[string] name: &str) -> i32 {
    match plain(name).as_str() {
        "shake128" | "shake256" => 0,
        other => sizes(other)
            .and_then(|(_, size)| i32::try_from(size).ok())
            .unwrap_or(-1),
    }
}

/// HKDF (RFC 5869) of a secret key: at most 255 times the bytes of its hash.
#[op2]
pub(crate) fn op_node_hash_hkdf(
    #[string] name: &str,
    #[cppgc] key: &KeyObjectHandle,
    #[anybuffer] salt: &[u8],
    #[anybuffer] info: &[u8],
    #[smi] length: u32,
) -> Result<Uint8Array, JsErrorBox> {
    let hash = plain(name);
    let secret = key
        .as_secret_key()
        .ok_or_else(|| JsErrorBox::type_error("expected secret key"))?;
    let Some((_, size)) = sizes(&hash) else {
        return Err(JsErrorBox::generic("Deriving bits failed"));
    };
    let length = length as usize;
    if length > size * 255 {
        return Err(super::guard::range("ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length"));
    }
    let keyed = |key: &[u8]| Keyed::new(&hash, key).ok_or_else(|| invalid(name));
    let mut extract = keyed(salt)?;
    extract.update(secret);
    let expand = keyed(&Box::new(extract).finalize())?;
    let mut made: Vec<u8> = Vec::with_capacity(length + size);
    let mut last = Vec::new();
    let mut number = 0_u8;
    while made.len() < length {
        number = number.wrapping_add(1);
        let mut block = expand.clone();
        block.update(&last);
        block.update(info);
        block.update(&[number]);
        last = Box::new(block).finalize().into_vec();
        made.extend_from_slice(&last);
    }
    made.truncate(length);
    Ok(made.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_have_one_name() {
        for (name, known) in [
            ("RSA-SHA256", "sha256"),
            ("sha512-256WithRSAEncryption", "sha512-256"),
            ("SHA-256", "sha256"),
            ("SHA2-512/224", "sha512-224"),
            ("ssl3-md5", "md5"),
            ("sha3-256", "sha3-256"),
            ("rmd160", "ripemd160"),
            ("BLAKE2b-512", "blake2b512"),
        ] {
            assert_eq!(plain(name), known, "{name}");
        }
    }

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        let mut keyed = Keyed::new("sha256", b"Jefe").unwrap();
        keyed.update(b"what do ya want for nothing?");
        assert_eq!(
            hex::encode(Box::new(keyed).finalize()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn what_is_said_of_sizes_is_so() {
        for name in [
            "md5",
            "md5-sha1",
            "sha1",
            "sha384",
            "sha512-224",
            "sha3-384",
            "blake2b512",
            "sm3",
            "ripemd160",
        ] {
            assert_eq!(sizes(name).unwrap().1, fixed(name).unwrap().output_size(), "{name}");
        }
    }
}
