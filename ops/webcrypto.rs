//! What the Web Cryptography API wants and `deno_crypto` does not do: <https://w3c.github.io/webcrypto/>.

mod bounds;
mod jobs;
mod slots;

use aes::cipher::{KeyInit as _, KeyIvInit as _, StreamCipher as _};
use aes::{Aes128, Aes192, Aes256, Block};
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ParsedPublicKey,
};
use deno_core::unsync::spawn_blocking;
use deno_core::{JsBuffer, op2};
use deno_error::JsErrorBox;
use ghash::GHash;
use ghash::universal_hash::UniversalHash as _;
use p384::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
use p384::ecdsa::{Signature, SigningKey, VerifyingKey};
use p384::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use subtle::ConstantTimeEq as _;

pub use jobs::CryptoLimits;
pub(crate) use jobs::{op_crypto_call, op_crypto_turn, op_crypto_turn_now};

/// A block of AES, in bytes.
const BLOCK: usize = 16;

fn operation(message: &'static str) -> JsErrorBox {
    JsErrorBox::new("DOMExceptionOperationError", message)
}

/// The digest of a message that is short, on the isolate's own thread. `algorithm` counts SHA-1, SHA-256, SHA-384, SHA-512.
#[op2]
#[arraybuffer]
pub(crate) fn op_crypto_digest(#[smi] algorithm: u32, #[anybuffer] message: &[u8]) -> Result<Vec<u8>, JsErrorBox> {
    let algorithm = match algorithm {
        0 => &SHA1_FOR_LEGACY_USE_ONLY,
        1 => &SHA256,
        2 => &SHA384,
        3 => &SHA512,
        _ => return Err(JsErrorBox::type_error("there is no such algorithm")),
    };
    Ok(digest::digest(algorithm, message).as_ref().to_vec())
}

/// AES-GCM with a nonce of any length but none (NIST SP 800-38D, 7.1 and 7.2), and a tag of `tag` bytes behind the ciphertext.
#[op2]
#[arraybuffer]
pub(crate) async fn op_crypto_aes_gcm(
    decrypt: bool,
    #[buffer] key: JsBuffer,
    #[buffer] nonce: JsBuffer,
    #[buffer] associated: JsBuffer,
    #[buffer] data: JsBuffer,
    #[smi] tag: u32,
) -> Result<Vec<u8>, JsErrorBox> {
    let (key, nonce, associated, data) = (key.to_vec(), nonce.to_vec(), associated.to_vec(), data.to_vec());
    let tag = usize::try_from(tag).unwrap_or(BLOCK).min(BLOCK);
    let work = move || match key.len() {
        16 => gcm::<Aes128>(decrypt, &key, &nonce, &associated, data, tag),
        24 => gcm::<Aes192>(decrypt, &key, &nonce, &associated, data, tag),
        32 => gcm::<Aes256>(decrypt, &key, &nonce, &associated, data, tag),
        _ => None,
    };
    let done = spawn_blocking(work).await.map_err(JsErrorBox::from_err)?;
    done.ok_or_else(|| operation("the data can not be decrypted"))
}

/// The counter block that a nonce gives.
fn first_counter(ghash: &GHash, nonce: &[u8]) -> Block {
    // 96 bits are taken as they are.
    if nonce.len() == 12 {
        let mut counter = Block::default();
        counter[..12].copy_from_slice(nonce);
        counter[15] = 1;
        return counter;
    }
    let mut hash = ghash.clone();
    hash.update_padded(nonce);
    hash.update(&[lengths(0, nonce.len())]);
    hash.finalize()
}

/// The lengths of the associated data and of the ciphertext, in bits.
fn lengths(associated: usize, ciphertext: usize) -> Block {
    let mut block = Block::default();
    let bits = |bytes: usize| (bytes as u64).wrapping_mul(8).to_be_bytes();
    block[..8].copy_from_slice(&bits(associated));
    block[8..].copy_from_slice(&bits(ciphertext));
    block
}

fn gcm<C>(decrypt: bool, key: &[u8], nonce: &[u8], associated: &[u8], mut data: Vec<u8>, tag: usize) -> Option<Vec<u8>>
where
    C: aes::cipher::BlockCipher
        + aes::cipher::BlockEncrypt
        + aes::cipher::KeyInit
        + aes::cipher::BlockSizeUser<BlockSize = ghash::universal_hash::consts::U16>,
{
    let cipher = C::new_from_slice(key).ok()?;
    let mut subkey = Block::default();
    cipher.encrypt_block(&mut subkey);
    let ghash = GHash::new(&subkey);
    let counter = first_counter(&ghash, nonce);
    let mut mask = counter;
    cipher.encrypt_block(&mut mask);

    let received = if decrypt {
        let at = data.len().checked_sub(tag)?;
        data.split_off(at)
    } else {
        Vec::new()
    };
    let compute = |ciphertext: &[u8]| {
        let mut hash = ghash.clone();
        hash.update_padded(associated);
        hash.update_padded(ciphertext);
        hash.update(&[lengths(associated.len(), ciphertext.len())]);
        let mut computed = hash.finalize();
        computed.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        computed
    };
    if decrypt && !bool::from(compute(&data)[..tag].ct_eq(&received)) {
        return None;
    }
    let mut stream = ctr::Ctr32BE::<C>::new_from_slices(key, &counter).ok()?;
    let mut first = Block::default();
    // The block of the counter itself masks the tag.
    stream.apply_keystream(&mut first);
    stream.apply_keystream(&mut data);
    if !decrypt {
        let computed = compute(&data);
        data.extend_from_slice(&computed[..tag]);
    }
    Some(data)
}

/// SHA-1 of a message as the integer that ECDSA takes of it, with as many leading zeros as the curve's library wants.
fn prehash(message: &[u8]) -> [u8; 24] {
    let mut padded = [0; 24];
    padded[4..].copy_from_slice(digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, message).as_ref());
    padded
}

/// An ECDSA signature with P-384 of a message's SHA-1, by a private key in PKCS#8.
#[op2]
#[arraybuffer]
pub(crate) fn op_crypto_sign_p384_sha1(
    #[anybuffer] key: &[u8],
    #[anybuffer] message: &[u8],
) -> Result<Vec<u8>, JsErrorBox> {
    let key = p384::SecretKey::from_pkcs8_der(key).map_err(|_| operation("the key can not be used"))?;
    let signature: Signature = SigningKey::from(key)
        .sign_prehash(&prehash(message))
        .map_err(|_| operation("the message can not be signed"))?;
    Ok(signature.to_bytes().to_vec())
}

/// Whether such a signature is right, by a public key as a `SubjectPublicKeyInfo`.
#[op2]
pub(crate) fn op_crypto_verify_p384_sha1(
    #[anybuffer] key: &[u8],
    #[anybuffer] signature: &[u8],
    #[anybuffer] message: &[u8],
) -> bool {
    let (Ok(key), Ok(signature)) = (
        p384::PublicKey::from_public_key_der(key),
        Signature::from_slice(signature),
    ) else {
        return false;
    };
    VerifyingKey::from(key)
        .verify_prehash(&prehash(message), &signature)
        .is_ok()
}

/// Whether the point of a public key, as a `SubjectPublicKeyInfo`, is one of its curve: P-256, P-384 or P-521.
#[op2]
pub(crate) fn op_crypto_is_on_curve(#[string] curve: &str, #[anybuffer] key: &[u8]) -> bool {
    let algorithm = match curve {
        "P-256" => &ECDSA_P256_SHA256_FIXED,
        "P-384" => &ECDSA_P384_SHA384_FIXED,
        "P-521" => &ECDSA_P521_SHA512_FIXED,
        _ => return false,
    };
    ParsedPublicKey::new(algorithm, key).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The GCM specification's test cases 4, 5 and 6 (nonces of 12, 8 and 60 bytes), 11 and 12 with 192 bits, 17 and 18 with 256.
    #[test]
    fn gcm_as_its_specification_has_it() {
        let key = hex::decode("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").unwrap();
        let plain = hex::decode("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39").unwrap();
        let associated = hex::decode("feedfacedeadbeeffeedfacedeadbeefabaddad2").unwrap();
        let short = hex::decode("cafebabefacedbad").unwrap();
        let long = hex::decode("9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b").unwrap();
        let usual = hex::decode("cafebabefacedbaddecaf888").unwrap();
        let cases: [(usize, &[u8], &str); 7] = [
            (16, &usual, "5bc94fbc3221a5db94fae95ae7121a47"),
            (16, &short, "3612d2e79e3b0785561be14aaca2fccb"),
            (16, &long, "619cc5aefffe0bfa462af43c1699d050"),
            (24, &short, "65dcc57fcf623a24094fcca40d3533f8"),
            (24, &long, "dcf566ff291c25bbb8568fc3d376a6d9"),
            (32, &short, "3a337dbf46a792c45e454913fe2ea8f2"),
            (32, &long, "a44a8266ee1c8eb0c8b5d4cf5ae9f19a"),
        ];
        for (length, nonce, tag) in cases {
            let key = &key[..length];
            let run = |decrypt, data: Vec<u8>| match length {
                16 => gcm::<Aes128>(decrypt, key, nonce, &associated, data, BLOCK),
                24 => gcm::<Aes192>(decrypt, key, nonce, &associated, data, BLOCK),
                _ => gcm::<Aes256>(decrypt, key, nonce, &associated, data, BLOCK),
            };
            let mut sealed = run(false, plain.clone()).unwrap();
            assert_eq!(hex::encode(&sealed[plain.len()..]), tag);
            assert_eq!(run(true, sealed.clone()).unwrap(), plain);
            sealed[3] ^= 1;
            assert_eq!(run(true, sealed), None);
            assert_eq!(run(true, vec![0; BLOCK - 1]), None);
        }
    }
}
