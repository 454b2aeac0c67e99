//! Signatures, and RSA with its paddings: what `deno_node_crypto` does with keys, on numbers that are bounded, and where a panic is an
//! error.

use deno_core::convert::Uint8Array;
use deno_core::op2;
use deno_error::JsErrorBox;
use deno_node_crypto::keys::{AsymmetricPrivateKey, AsymmetricPublicKey, EcPublicKey, KeyObjectHandle};
use deno_node_crypto::sign::KeyObjectHandlePrehashedSignAndVerifyError;
use num_bigint_dig::BigUint;
use rsa::hazmat::{rsa_decrypt_and_check, rsa_encrypt};
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey, RsaPublicKey};

use super::guard::{coded, guarded, kind};
use super::hashes;
use super::pss::Scheme;

/// `RSA_PKCS1_PADDING`.
const PKCS1: u32 = 1;
const NONE: u32 = 3;

/// What is after a message in a block of PKCS #1, at the least.
const PADDING: usize = 11;

fn salt_fits(key: &KeyObjectHandle, salt: Option<i32>) -> bool {
    let bytes = match key.as_public_key().as_deref() {
        Some(AsymmetricPublicKey::Rsa(key)) => key.size(),
        Some(AsymmetricPublicKey::RsaPss(key)) => key.key.size(),
        _ => return true,
    };
    salt.is_none_or(|salt| (-2..0).contains(&salt) || usize::try_from(salt).is_ok_and(|salt| salt <= bytes))
}

/// `RSA_PKCS1_PSS_PADDING`.
const PSS: u32 = 6;

/// OpenSSL's word for what does not go.
fn named(error: KeyObjectHandlePrehashedSignAndVerifyError) -> JsErrorBox {
    use KeyObjectHandlePrehashedSignAndVerifyError as Error;
    match error {
        Error::DigestNotAllowedForRsaSignature(_)
        | Error::DigestNotAllowedForRsaPssSignature(_)
        | Error::PrivateKeyDisallowsUsage { .. } => coded(
            "ERR_OSSL_DIGEST_NOT_ALLOWED",
            "error:1C8000AE:Provider routines::digest not allowed",
        ),
        Error::PssSaltLenTooSmall => coded(
            "ERR_OSSL_PSS_SALTLEN_TOO_SMALL",
            "error:1C8000AC:Provider routines::pss saltlen too small",
        ),
        Error::FailedToSignDigestWithRsaPss | Error::FailedToSignDigestWithRsa => too_large(),
        Error::X25519KeyCannotBeUsedForSigning
        | Error::X25519KeyCannotBeUsedForVerification
        | Error::DhKeyCannotBeUsedForSigning
        | Error::DhKeyCannotBeUsedForVerification => not_rsa(),
        other => JsErrorBox::from_err(other),
    }
}

/// Refuses what a key does not sign with.
fn usable(key: &KeyObjectHandle, salt: Option<i32>, padding: Option<u32>) -> Result<(), JsErrorBox> {
    let public = key.as_public_key();
    let rsa = matches!(
        public.as_deref(),
        Some(AsymmetricPublicKey::Rsa(_) | AsymmetricPublicKey::RsaPss(_))
    );
    match padding {
        Some(NONE) if rsa => Err(coded(
            "ERR_OSSL_INVALID_PADDING_MODE",
            "error:1C8000A8:Provider routines::invalid padding mode",
        )),
        Some(other) if rsa && other != PKCS1 && other != PSS => Err(coded(
            "ERR_OSSL_ILLEGAL_OR_UNSUPPORTED_PADDING_MODE",
            "error:1C8000A5:Provider routines::illegal or unsupported padding mode",
        )),
        Some(PSS) if salt.is_some_and(|salt| salt < -3) => Err(coded(
            "ERR_OSSL_INVALID_SALT_LENGTH",
            "error:1C800070:Provider routines::invalid salt length",
        )),
        _ if salt_fits(key, salt) => Ok(()),
        _ => Err(too_large()),
    }
}

/// A digest that is shorter than a curve's numbers is one with zeros before it.
fn widened(key: &KeyObjectHandle, digest: &[u8]) -> Vec<u8> {
    let width: usize = match key.as_public_key().as_deref() {
        Some(AsymmetricPublicKey::Ec(EcPublicKey::P224(_))) => 28,
        Some(AsymmetricPublicKey::Ec(EcPublicKey::P256(_) | EcPublicKey::Secp256k1(_))) => 32,
        Some(AsymmetricPublicKey::Ec(EcPublicKey::P384(_))) => 48,
        Some(AsymmetricPublicKey::Ec(EcPublicKey::P521(_))) => 66,
        _ => 0,
    };
    let mut wide = vec![0; width.saturating_sub(digest.len())];
    wide.extend_from_slice(digest);
    wide
}

/// A signature of a digest.
#[op2]
pub(crate) fn op_node_key_sign(
    #[cppgc] key: &KeyObjectHandle,
    #[buffer] digest: &[u8],
    #[string] hash: &str,
    #[smi] salt: Option<i32>,
    #[smi] padding: Option<u32>,
    #[smi] encoding: u32,
) -> Result<Uint8Array, JsErrorBox> {
    let hash = hashes::plain(hash);
    let signature = guarded(|| {
        usable(key, salt, padding)?;
        let (rsa, details) = match key.as_private_key() {
            Some(AsymmetricPrivateKey::Rsa(key)) if padding == Some(PSS) => (key, None),
            Some(AsymmetricPrivateKey::RsaPss(key)) if padding.is_none_or(|padding| padding == PSS) => {
                (&key.key, key.details.as_ref())
            }
            _ => {
                return key
                    .sign_prehashed(&hash, &widened(key, digest), salt, padding, encoding)
                    .map(<[u8]>::into_vec)
                    .map_err(named);
            }
        };
        let scheme = Scheme::new(&hash, details, salt, false)?;
        let block = scheme.encode(digest, rsa.n().bits() - 1).ok_or_else(too_large)?;
        private_operation(rsa, &block)
    })?;
    Ok(signature.into())
}

/// Whether a signature is of a digest.
#[op2]
pub(crate) fn op_node_key_verify(
    #[cppgc] key: &KeyObjectHandle,
    #[buffer] digest: &[u8],
    #[string] hash: &str,
    #[buffer] signature: &[u8],
    #[smi] salt: Option<i32>,
    #[smi] padding: Option<u32>,
    #[smi] encoding: u32,
) -> Result<bool, JsErrorBox> {
    let hash = hashes::plain(hash);
    guarded(|| {
        if !salt_fits(key, salt) {
            return Ok(false);
        }
        let public = key.as_public_key();
        let (rsa, details) = match public.as_deref() {
            Some(AsymmetricPublicKey::Rsa(key)) if padding == Some(PSS) => (key, None),
            Some(AsymmetricPublicKey::RsaPss(key)) if padding.is_none_or(|padding| padding == PSS) => {
                (&key.key, key.details.as_ref())
            }
            _ => {
                return key
                    .verify_prehashed(&hash, &widened(key, digest), signature, salt, padding, encoding)
                    .map_err(named);
            }
        };
        let scheme = Scheme::new(&hash, details, salt, true)?;
        if signature.len() != rsa.size() {
            return Ok(false);
        }
        let block = public_operation(rsa, signature);
        Ok(block.is_ok_and(|block| scheme.holds(digest, &block, rsa.n().bits() - 1)))
    })
}

/// A signature of Ed448 without a context.
#[op2]
pub(crate) fn op_node_key_sign_ed448(
    #[cppgc] key: &KeyObjectHandle,
    #[buffer] data: &[u8],
) -> Result<Uint8Array, JsErrorBox> {
    let Some(AsymmetricPrivateKey::Ed448(key)) = key.as_private_key() else {
        return Err(JsErrorBox::type_error("Expected Ed448 private key"));
    };
    guarded(|| Ok(key.sign_raw(data).to_bytes().to_vec().into()))
}

/// Whether a signature of Ed448 is of these data.
#[op2(fast)]
pub(crate) fn op_node_key_verify_ed448(
    #[cppgc] key: &KeyObjectHandle,
    #[buffer] data: &[u8],
    #[buffer] signature: &[u8],
) -> Result<bool, JsErrorBox> {
    guarded(|| {
        let public = key.as_public_key();
        let Some(AsymmetricPublicKey::Ed448(key)) = public.as_deref() else {
            return Err(JsErrorBox::type_error("Expected Ed448 public key"));
        };
        let signature = ed448_goldilocks::Signature::from_slice(signature);
        Ok(signature.is_ok_and(|signature| key.verify_raw(&signature, data).is_ok()))
    })
}

fn too_large() -> JsErrorBox {
    coded(
        "ERR_OSSL_RSA_DATA_TOO_LARGE_FOR_KEY_SIZE",
        "error:0200006E:rsa routines::data too large for key size",
    )
}

fn too_small() -> JsErrorBox {
    coded(
        "ERR_OSSL_RSA_DATA_TOO_SMALL_FOR_KEY_SIZE",
        "error:0200007A:rsa routines::data too small for key size",
    )
}

fn padding_failed() -> JsErrorBox {
    coded(
        "ERR_OSSL_RSA_PADDING_CHECK_FAILED",
        "error:02000072:rsa routines::padding check failed",
    )
}

fn not_supported() -> JsErrorBox {
    kind(
        "ERR_OSSL_RSA_UNKNOWN_PADDING_TYPE",
        "error:02000076:rsa routines::unknown padding type",
    )
}

/// A block as a number that is smaller than the modulus.
fn block(bytes: &[u8], modulus: &BigUint) -> Result<BigUint, JsErrorBox> {
    let number = BigUint::from_bytes_be(bytes);
    if number >= *modulus {
        return Err(coded(
            "ERR_OSSL_RSA_DATA_TOO_LARGE_FOR_MODULUS",
            "error:02000084:rsa routines::data too large for modulus",
        ));
    }
    Ok(number)
}

fn padded(number: &BigUint, size: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let mut block = vec![0; size.saturating_sub(bytes.len())];
    block.extend(bytes);
    block
}

fn private_operation(key: &RsaPrivateKey, bytes: &[u8]) -> Result<Vec<u8>, JsErrorBox> {
    let number = block(bytes, key.n())?;
    let result = rsa_decrypt_and_check(key, Some(&mut OsRng), &number).map_err(|_| padding_failed())?;
    Ok(padded(&result, key.size()))
}

fn public_operation(key: &RsaPublicKey, bytes: &[u8]) -> Result<Vec<u8>, JsErrorBox> {
    let result = rsa_encrypt(key, &block(bytes, key.n())?).map_err(|_| padding_failed())?;
    Ok(padded(&result, key.size()))
}

/// `EMSA-PKCS1-v1_5` without a hash's name: 0, 1, 255 again and again, 0, the message.
fn pad(message: &[u8], size: usize) -> Result<Vec<u8>, JsErrorBox> {
    let filled = size
        .checked_sub(message.len() + 3)
        .filter(|filled| *filled + 3 >= PADDING);
    let filled = filled.ok_or_else(too_large)?;
    let mut block = vec![0, 1];
    block.resize(2 + filled, 0xff);
    block.push(0);
    block.extend_from_slice(message);
    Ok(block)
}

fn unpad(block: &[u8]) -> Result<Vec<u8>, JsErrorBox> {
    let [0, 1, rest @ ..] = block else {
        return Err(coded(
            "ERR_OSSL_RSA_INVALID_PADDING",
            "error:0200008A:rsa routines::invalid padding",
        ));
    };
    let filled = rest.iter().take_while(|byte| **byte == 0xff).count();
    match rest.get(filled..) {
        Some([0, message @ ..]) if filled >= 8 => Ok(message.to_vec()),
        _ => Err(padding_failed()),
    }
}

/// RSA without OAEP: `publicEncrypt` (0), `privateDecrypt` (1), `privateEncrypt` (2), `publicDecrypt` (3).
#[op2]
pub(crate) fn op_node_key_rsa(
    #[cppgc] key: &KeyObjectHandle,
    #[smi] operation: u32,
    #[buffer] data: &[u8],
    #[smi] padding: u32,
) -> Result<Uint8Array, JsErrorBox> {
    let made = guarded(|| {
        let public = match key.as_public_key().as_deref() {
            Some(AsymmetricPublicKey::Rsa(public)) => public.clone(),
            _ => return Err(not_rsa()),
        };
        let private = match key.as_private_key() {
            Some(AsymmetricPrivateKey::Rsa(private)) => Some(private),
            _ => None,
        };
        let private = || private.ok_or_else(not_rsa);
        let size = public.size();
        if data.len() > size {
            return Err(too_large());
        }
        match (operation, padding) {
            (0 | 2, NONE) if data.len() < size => Err(too_small()),
            (0 | 3, NONE) => public_operation(&public, data),
            (1 | 2, NONE) => private_operation(private()?, data),
            (0, PKCS1) => public
                .encrypt(&mut OsRng, Pkcs1v15Encrypt, data)
                .map_err(|_| too_large()),
            (1, PKCS1) => private()?
                .decrypt_blinded(&mut OsRng, Pkcs1v15Encrypt, data)
                .map_err(|_| padding_failed()),
            (2, PKCS1) => private_operation(private()?, &pad(data, size)?),
            (3, PKCS1) => unpad(&public_operation(&public, data)?),
            _ => Err(not_supported()),
        }
    })?;
    Ok(made.into())
}

fn not_rsa() -> JsErrorBox {
    coded(
        "ERR_OSSL_EVP_OPERATION_NOT_SUPPORTED_FOR_THIS_KEYTYPE",
        "error:03000096:digital envelope routines::operation not supported for this keytype",
    )
}
