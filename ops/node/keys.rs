//! Keys that scripts bring: of bounded sizes, before they are read and after.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;
use deno_node_crypto::keys::{AsymmetricPrivateKey, AsymmetricPublicKey, KeyObjectHandle};
use num_bigint_dig::BigUint;
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, RsaPublicKey};

use super::guard::{coded, guarded, kind, refused};
use super::stopping::{Look, look};
use super::{der, encrypted_key, key_der};
use crate::external_memory::ExternalMemory;

/// A key whose every use would take seconds is none, in bits.
pub(super) const LONGEST_RSA: usize = 8192;
pub(super) const LONGEST_DSA: usize = 3072;
pub(super) const LONGEST_DH: usize = 8192;

/// A private number of Diffie and Hellman is shorter where the prime is longer than this, in bits.
const LONG_DH: usize = 4096;
const SHORT_PRIVATE: usize = 1024;

/// Smaller moduli have no room for any padding.
const SHORTEST_RSA: usize = 384;

/// What is read at once: a key, and a certificate, in bytes.
const LONGEST_KEY: usize = 16 << 10;
pub(super) const LONGEST_CERTIFICATE: usize = 48 << 10;

/// A key of DSA is computed with while it is read, so that its size is looked at before.
const DSA_FILE: usize = 2048;
const DSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];

fn too_large() -> JsErrorBox {
    refused(format!(
        "a key of this size is refused: a modulus has at most {LONGEST_RSA} bits of RSA, {LONGEST_DH} of Diffie-Hellman, {LONGEST_DSA} of DSA"
    ))
}

fn rsa_fits(key: &impl PublicKeyParts) -> bool {
    (SHORTEST_RSA..=LONGEST_RSA).contains(&key.n().bits()) && key.e().bits() <= 64
}

/// Of the bytes of a prime.
fn most_private(prime: usize) -> usize {
    if prime > LONG_DH / 8 + 1 {
        SHORT_PRIVATE / 8
    } else {
        prime
    }
}

fn dh_fits(prime: &[u8], base: &[u8]) -> bool {
    let odd = prime.last().is_some_and(|last| last % 2 == 1);
    odd && prime.len() <= LONGEST_DH / 8 + 1 && base.len() <= prime.len() && BigUint::from_bytes_be(prime).bits() > 2
}

/// The key, if nothing that is done with it takes long.
pub(super) fn checked(handle: KeyObjectHandle) -> Result<KeyObjectHandle, JsErrorBox> {
    let fits = match &handle {
        KeyObjectHandle::Secret(_) => true,
        KeyObjectHandle::AsymmetricPrivate(key) => match key {
            AsymmetricPrivateKey::Rsa(key) => rsa_fits(key),
            AsymmetricPrivateKey::RsaPss(key) => rsa_fits(&key.key),
            AsymmetricPrivateKey::Dsa(key) => dsa_fits(key.verifying_key().components()),
            AsymmetricPrivateKey::Dh(key) => {
                let private = key.key.clone().into_vec();
                dh_fits(key.params.prime.as_bytes(), key.params.base.as_bytes())
                    && private.len() <= most_private(key.params.prime.as_bytes().len())
            }
            _ => true,
        },
        KeyObjectHandle::AsymmetricPublic(key) => match key {
            AsymmetricPublicKey::Rsa(key) => rsa_fits(key),
            AsymmetricPublicKey::RsaPss(key) => rsa_fits(&key.key),
            AsymmetricPublicKey::Dsa(key) => dsa_fits(key.components()),
            AsymmetricPublicKey::Dh(key) => {
                let public = key.key.clone().into_vec();
                dh_fits(key.params.prime.as_bytes(), key.params.base.as_bytes())
                    && public.len() <= key.params.prime.as_bytes().len()
            }
            _ => true,
        },
    };
    if fits { Ok(handle) } else { Err(too_large()) }
}

fn dsa_fits(components: &dsa::Components) -> bool {
    components.p().bits() <= LONGEST_DSA && components.q().bits() <= 512 && components.p().bits() >= 512
}

/// What each part of a PEM holds. Nothing where one of them can not be told.
fn bodies(pem: &str) -> Option<Vec<Vec<u8>>> {
    pem.split("-----BEGIN ")
        .skip(1)
        .map(|part| {
            let (_, rest) = part.split_once("-----")?;
            let (body, _) = rest.split_once("-----END")?;
            let text: String = body.chars().filter(|c| !c.is_whitespace()).collect();
            BASE64_STANDARD.decode(text).ok()
        })
        .collect()
}

/// Refuses what would take long while it is read.
fn bounded(bytes: &[u8], format: &str) -> Result<(), JsErrorBox> {
    let text = if format == "pem" {
        std::str::from_utf8(bytes).ok()
    } else {
        None
    };
    let certificate = text.is_some_and(|text| text.contains("-----BEGIN CERTIFICATE"));
    let most = if certificate { LONGEST_CERTIFICATE } else { LONGEST_KEY };
    if bytes.len() > most {
        return Err(too_large());
    }
    let parts = text.map_or_else(|| Some(vec![bytes.to_vec()]), bodies);
    let limit = if certificate { DSA_FILE * 2 } else { DSA_FILE * 3 / 2 };
    let fits = match (parts, text) {
        (Some(parts), text) => {
            let named = text.is_some_and(|text| text.contains("BEGIN DSA"));
            parts
                .iter()
                .all(|part| part.len() <= limit || !(named || has_dsa(part)))
        }
        // It has headers, or is encrypted by what they say: its label tells what it is.
        (None, Some(text)) if text.contains("RSA PRIVATE KEY") || text.contains("EC PRIVATE KEY") => {
            !text.contains("BEGIN DSA") && !text.contains("BEGIN PRIVATE") && !text.contains("BEGIN PUBLIC")
        }
        (None, _) => bytes.len() <= limit,
    };
    if fits { Ok(()) } else { Err(too_large()) }
}

/// Whether there is a key of DSA in it.
fn has_dsa(der: &[u8]) -> bool {
    der.windows(DSA_OID.len()).any(|window| window == DSA_OID)
}

/// What deno's reader may have of a passphrase: it opens the old form of one round, and others without an end.
fn old_form<'a>(bytes: &[u8], format: &str, passphrase: Option<&'a [u8]>) -> Option<&'a [u8]> {
    let text = if format == "pem" {
        std::str::from_utf8(bytes).ok()?
    } else {
        return None;
    };
    passphrase.filter(|_| text.contains("Proc-Type: 4,ENCRYPTED") && !text.contains("ENCRYPTED PRIVATE KEY"))
}

/// The key of an encrypted file.
fn opened(
    der: &[u8],
    passphrase: Option<&[u8]>,
    format: &str,
    memory: &ExternalMemory,
    look: Look<'_>,
) -> Result<KeyObjectHandle, JsErrorBox> {
    let plain = encrypted_key::open(der, passphrase, format, memory, look)?;
    bounded(&plain, "der")?;
    let key = KeyObjectHandle::new_asymmetric_private_key_from_js(&plain, "der", "pkcs8", None);
    let key = key.map_err(|_| encrypted_key::bad_decrypt())?;
    checked(as_written(key, &plain, "der"))
}

/// A private key. One that is encrypted is opened in slices.
#[op2]
#[cppgc]
pub(crate) fn op_node_key_private(
    state: &mut OpState,
    scope: &mut v8::PinScope<'_, '_>,
    #[buffer] bytes: &[u8],
    #[string] format: &str,
    #[string] encoding: &str,
    #[buffer] passphrase: Option<&[u8]>,
) -> Result<KeyObjectHandle, JsErrorBox> {
    bounded(bytes, format)?;
    let memory = state.borrow::<ExternalMemory>().clone();
    let mut look = || look(scope);
    guarded(|| {
        if let Some(der) = encrypted_key::find(bytes, format, encoding) {
            return opened(&der, passphrase, format, &memory, &mut look);
        }
        let passphrase = old_form(bytes, format, passphrase);
        let key = KeyObjectHandle::new_asymmetric_private_key_from_js(bytes, format, encoding, passphrase);
        let key = key.map_err(|error| unreadable(bytes, format, &error.to_string()))?;
        checked(as_written(key, bytes, format))
    })
}

/// The key of a file as the file has it. A certificate's own signature may be of the same kind as a key, and is no key.
fn as_written(mut key: KeyObjectHandle, bytes: &[u8], format: &str) -> KeyObjectHandle {
    match std::str::from_utf8(bytes) {
        Ok(pem) if format == "pem" && !pem.contains("BEGIN CERTIFICATE") => {
            if let Some([der, ..]) = bodies(pem).as_deref() {
                key_der::mask_by_default(&mut key, der);
            }
        }
        _ if format == "der" => key_der::mask_by_default(&mut key, bytes),
        _ => (),
    }
    key
}

/// OpenSSL's word for a file that is no key.
fn unreadable(bytes: &[u8], format: &str, error: &str) -> JsErrorBox {
    if error.contains("interrupted or cancelled") || error.contains("Passphrase required") {
        return encrypted_key::missing(format);
    }
    if error.contains("bad decrypt") {
        return encrypted_key::bad_decrypt();
    }
    match der::fault(bytes) {
        Some((code, message)) if format == "der" => coded(code, message),
        _ => encrypted_key::unsupported(),
    }
}

/// A public key, of itself, of a private one or of a certificate.
#[op2]
#[cppgc]
pub(crate) fn op_node_key_public(
    state: &mut OpState,
    scope: &mut v8::PinScope<'_, '_>,
    #[buffer] bytes: &[u8],
    #[string] format: &str,
    #[string] encoding: &str,
    #[buffer] passphrase: Option<&[u8]>,
) -> Result<KeyObjectHandle, JsErrorBox> {
    bounded(bytes, format)?;
    let memory = state.borrow::<ExternalMemory>().clone();
    let mut look = || look(scope);
    guarded(|| {
        let private = if let Some(der) = encrypted_key::find(bytes, format, encoding) {
            Some(opened(&der, passphrase, format, &memory, &mut look)?)
        } else {
            None
        };
        let key = if let Some(private) = private.as_ref().and_then(KeyObjectHandle::as_private_key) {
            KeyObjectHandle::AsymmetricPublic(private.to_public_key())
        } else {
            let passphrase = old_form(bytes, format, passphrase);
            KeyObjectHandle::new_asymmetric_public_key_from_js(bytes, format, encoding, passphrase)
                .map_err(|error| unreadable(bytes, format, &error.to_string()))?
        };
        checked(as_written(key, bytes, format))
    })
}

/// The public half.
#[op2]
#[cppgc]
pub(crate) fn op_node_key_public_half(#[cppgc] key: &KeyObjectHandle) -> Result<KeyObjectHandle, JsErrorBox> {
    let private = key
        .as_private_key()
        .ok_or_else(|| JsErrorBox::type_error("expected private key"))?;
    guarded(|| Ok(KeyObjectHandle::AsymmetricPublic(private.to_public_key())))
}

/// A number of a JWK.
fn number(text: &str) -> Result<BigUint, JsErrorBox> {
    if text.len() > LONGEST_RSA / 4 {
        return Err(too_large());
    }
    let text: String = text
        .chars()
        .filter(|c| *c != '=')
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid_jwk())?;
    Ok(BigUint::from_bytes_be(&bytes))
}

fn invalid_jwk() -> JsErrorBox {
    kind("ERR_CRYPTO_INVALID_JWK", "Invalid JWK data")
}

/// An RSA key of a JWK's members (RFC 7518, 6.3), which are public if there are no more than two.
#[op2]
#[cppgc]
pub(crate) fn op_node_key_rsa_jwk(
    #[string] modulus: &str,
    #[string] exponent: &str,
    #[string] private: Option<String>,
    #[string] first_prime: Option<String>,
    #[string] second_prime: Option<String>,
) -> Result<KeyObjectHandle, JsErrorBox> {
    let (modulus, exponent) = (number(modulus)?, number(exponent)?);
    let key = guarded(|| {
        if let (Some(private), Some(first), Some(second)) = (private, first_prime, second_prime) {
            let primes = vec![number(&first)?, number(&second)?];
            let key = RsaPrivateKey::from_components(modulus, exponent, number(&private)?, primes)
                .map_err(|_| invalid_jwk())?;
            Ok(KeyObjectHandle::AsymmetricPrivate(AsymmetricPrivateKey::Rsa(key)))
        } else {
            let key = RsaPublicKey::new_with_max_size(modulus, exponent, LONGEST_RSA).map_err(|_| invalid_jwk())?;
            Ok(KeyObjectHandle::AsymmetricPublic(AsymmetricPublicKey::Rsa(key)))
        }
    })?;
    checked(key)
}

/// A key on a curve of Edwards or Montgomery, of its bytes.
#[op2]
#[cppgc]
pub(crate) fn op_node_key_raw(
    #[string] curve: &str,
    #[buffer] bytes: &[u8],
    public: bool,
) -> Result<KeyObjectHandle, JsErrorBox> {
    guarded(|| KeyObjectHandle::new_ed_raw(curve, bytes, public).map_err(JsErrorBox::from_err))
}

/// Refuses a certificate that would take long.
#[op2(fast)]
pub(crate) fn op_node_x509_bounded(#[buffer] bytes: &[u8]) -> Result<(), JsErrorBox> {
    let pem = bytes.starts_with(b"-----") || std::str::from_utf8(bytes).is_ok_and(|text| text.contains("-----BEGIN"));
    if bytes.len() > LONGEST_CERTIFICATE {
        return Err(coded(
            "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM",
            format!("a certificate has at most {LONGEST_CERTIFICATE} bytes here"),
        ));
    }
    let parts = match std::str::from_utf8(bytes) {
        Ok(text) if pem => bodies(text),
        _ => Some(vec![bytes.to_vec()]),
    };
    let fits = match parts {
        Some(parts) => parts.iter().all(|part| part.len() <= DSA_FILE * 2 || !has_dsa(part)),
        None => bytes.len() <= DSA_FILE * 2,
    };
    if fits { Ok(()) } else { Err(too_large()) }
}
