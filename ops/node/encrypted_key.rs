//! Private keys that are encrypted (PKCS #8 with PBES2, RFC 8018): how long they take to open is written in them, so that they are
//! opened in their event's own time.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deno_core::convert::Uint8Array;
use deno_core::op2;
use deno_error::JsErrorBox;
use num_bigint_dig::BigUint;

use super::der::{element, expect, integer, small};
use super::guard::{coded, kind};
use super::kdf;
use super::stopping::Look;
use crate::external_memory::ExternalMemory;

const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";

/// OpenSSL's number of rounds for what it writes.
const ROUNDS: u32 = 2048;

/// The columns of a PEM (RFC 7468).
const COLUMNS: usize = 64;

pub(super) fn bad_decrypt() -> JsErrorBox {
    coded("ERR_OSSL_BAD_DECRYPT", "error:1C800064:Provider routines::bad decrypt")
}

pub(super) fn unsupported() -> JsErrorBox {
    coded("ERR_OSSL_UNSUPPORTED", "error:1E08010C:DECODER routines::unsupported")
}

/// Nobody is asked for a passphrase.
pub(super) fn missing(format: &str) -> JsErrorBox {
    if format == "der" {
        return kind("ERR_MISSING_PASSPHRASE", "Passphrase required for encrypted key");
    }
    coded(
        "ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED",
        "error:07880109:common libcrypto routines::interrupted or cancelled",
    )
}

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const NULL: &[u8] = &[0x05, 0x00];

/// `id-PBES2`, `id-PBKDF2` (RFC 8018) and `id-scrypt` (RFC 7914), without their tags.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];

/// Hashes of PBKDF2: the last bytes of their names.
const PRFS: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x06], "md5"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x07], "sha1"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x08], "sha224"),
    (HMAC_SHA256, "sha256"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0a], "sha384"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b], "sha512"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0c], "sha512-224"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0d], "sha512-256"),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x0d], "sha3-224"),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x0e], "sha3-256"),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x0f], "sha3-384"),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x10], "sha3-512"),
];

/// Ciphers in CBC.
#[derive(Clone, Copy, PartialEq)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
}

impl Cipher {
    const ALL: [Self; 4] = [Self::Aes128, Self::Aes192, Self::Aes256, Self::TripleDes];

    fn oid(self) -> &'static [u8] {
        match self {
            Self::Aes128 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02],
            Self::Aes192 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16],
            Self::Aes256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a],
            Self::TripleDes => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07],
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "aes-128-cbc" | "aes128" => Self::Aes128,
            "aes-192-cbc" | "aes192" => Self::Aes192,
            "aes-256-cbc" | "aes256" => Self::Aes256,
            "des-ede3-cbc" | "des3" => Self::TripleDes,
            _ => return None,
        })
    }

    /// Bytes of a key and of a block.
    fn sizes(self) -> (usize, usize) {
        match self {
            Self::Aes128 => (16, 16),
            Self::Aes192 => (24, 16),
            Self::Aes256 => (32, 16),
            Self::TripleDes => (24, 8),
        }
    }

    fn opened(self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<Vec<u8>, JsErrorBox> {
        macro_rules! cbc {
            ($cipher:ty) => {
                cbc::Decryptor::<$cipher>::new_from_slices(key, iv)
                    .map_err(|_| unsupported())?
                    .decrypt_padded_vec_mut::<Pkcs7>(data)
                    .map_err(|_| bad_decrypt())
            };
        }
        match self {
            Self::Aes128 => cbc!(aes::Aes128),
            Self::Aes192 => cbc!(aes::Aes192),
            Self::Aes256 => cbc!(aes::Aes256),
            Self::TripleDes => cbc!(des::TdesEde3),
        }
    }

    fn sealed(self, key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        macro_rules! cbc {
            ($cipher:ty) => {
                cbc::Encryptor::<$cipher>::new_from_slices(key, iv)
                    .ok()?
                    .encrypt_padded_vec_mut::<Pkcs7>(data)
            };
        }
        Some(match self {
            Self::Aes128 => cbc!(aes::Aes128),
            Self::Aes192 => cbc!(aes::Aes192),
            Self::Aes256 => cbc!(aes::Aes256),
            Self::TripleDes => cbc!(des::TdesEde3),
        })
    }
}

/// The parts of an `EncryptedPrivateKeyInfo` (RFC 5958): its algorithm, the algorithm's parameters, what is encrypted.
fn parts(der: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut rest = der;
    let mut whole = expect(&mut rest, SEQUENCE)?;
    let mut algorithm = expect(&mut whole, SEQUENCE)?;
    let name = expect(&mut algorithm, OID)?;
    let data = expect(&mut whole, OCTETS)?;
    Some((name, algorithm, data))
}

/// The structure, if the file is one.
pub(super) fn find(bytes: &[u8], format: &str, encoding: &str) -> Option<Vec<u8>> {
    if format == "pem" {
        let text = std::str::from_utf8(bytes).ok()?;
        let (_, rest) = text.split_once(BEGIN)?;
        let (body, _) = rest.split_once(END)?;
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        return BASE64_STANDARD.decode(body).ok();
    }
    (encoding == "pkcs8" && parts(bytes).is_some()).then(|| bytes.to_vec())
}

/// What a passphrase is made a key with.
enum Kdf<'a> {
    Pbkdf2(&'a [u8], u32, &'static str),
    Scrypt(&'a [u8], (u32, u32, u32)),
}

/// The parameters of PBES2.
fn scheme<'a>(parameters: &mut &'a [u8]) -> Option<(Kdf<'a>, Cipher, &'a [u8])> {
    let mut parameters = expect(parameters, SEQUENCE)?;
    let mut kdf = expect(&mut parameters, SEQUENCE)?;
    let mut encryption = expect(&mut parameters, SEQUENCE)?;
    let name = expect(&mut kdf, OID)?;
    let mut of_kdf = expect(&mut kdf, SEQUENCE)?;
    let salt = expect(&mut of_kdf, OCTETS)?;
    let kdf = if name == PBKDF2 {
        let rounds = small(&mut of_kdf)?;
        if of_kdf.first() == Some(&0x02) {
            small(&mut of_kdf)?;
        }
        let prf = match expect(&mut of_kdf, SEQUENCE) {
            Some(mut prf) => {
                let name = expect(&mut prf, OID)?;
                PRFS.iter().find(|(oid, _)| *oid == name)?.1
            }
            None => "sha1",
        };
        Kdf::Pbkdf2(salt, rounds, prf)
    } else if name == SCRYPT {
        Kdf::Scrypt(salt, (small(&mut of_kdf)?, small(&mut of_kdf)?, small(&mut of_kdf)?))
    } else {
        return None;
    };
    let name = expect(&mut encryption, OID)?;
    let cipher = Cipher::ALL.into_iter().find(|cipher| cipher.oid() == name)?;
    Some((kdf, cipher, expect(&mut encryption, OCTETS)?))
}

/// The PKCS#8 of a key.
pub(super) fn open(
    der: &[u8],
    passphrase: Option<&[u8]>,
    format: &str,
    memory: &ExternalMemory,
    look: Look<'_>,
) -> Result<Vec<u8>, JsErrorBox> {
    let passphrase = passphrase.ok_or_else(|| missing(format))?;
    let (name, mut parameters, data) = parts(der).ok_or_else(unsupported)?;
    let known = if name == PBES2 { scheme(&mut parameters) } else { None };
    let (kdf, cipher, iv) = known.ok_or_else(unsupported)?;
    let mut key = vec![0; cipher.sizes().0];
    match kdf {
        Kdf::Pbkdf2(salt, rounds, digest) => {
            kdf::derive(digest, passphrase, salt, rounds, &mut key, look)?;
        }
        Kdf::Scrypt(salt, (cost, r, p)) => {
            kdf::scrypt(
                passphrase,
                salt,
                (cost as usize, r as usize, p as usize),
                &mut key,
                memory,
                look,
            )?;
        }
    }
    cipher.opened(&key, iv, data)
}

/// A PKCS#8 that is encrypted, as OpenSSL writes it, for a cipher of PBES2.
#[op2]
pub(crate) fn op_node_key_seal(
    #[buffer] der: &[u8],
    #[string] cipher: &str,
    #[buffer] passphrase: &[u8],
) -> Result<Uint8Array, JsErrorBox> {
    let failed = || JsErrorBox::generic("the key can not be encrypted");
    let Some(cipher) = Cipher::named(cipher) else {
        return Err(if cipher.to_ascii_lowercase().ends_with("gcm") {
            coded(
                "ERR_OSSL_EVP_CIPHER_PARAMETER_ERROR",
                "error:0300007A:digital envelope routines::cipher parameter error",
            )
        } else {
            coded(
                "ERR_OSSL_ASN1_CIPHER_HAS_NO_OBJECT_IDENTIFIER",
                "error:0680006D:asn1 encoding routines::cipher has no object identifier",
            )
        });
    };
    let (size, block) = cipher.sizes();
    let (mut salt, mut iv, mut key) = ([0; 16], vec![0; block], vec![0; size]);
    for bytes in [&mut salt[..], &mut iv[..]] {
        aws_lc_rs::rand::fill(bytes).map_err(|_| failed())?;
    }
    kdf::derive("sha256", passphrase, &salt, ROUNDS, &mut key, &mut || Ok(()))?;
    let sealed = cipher.sealed(&key, &iv, der).ok_or_else(failed)?;
    let oid = |bytes: &[u8]| element(OID, &[bytes]);
    let prf = element(SEQUENCE, &[&oid(HMAC_SHA256), NULL]);
    let rounds = integer(&BigUint::from(ROUNDS));
    let of_kdf = element(SEQUENCE, &[&element(OCTETS, &[&salt]), &rounds, &prf]);
    let kdf = element(SEQUENCE, &[&oid(PBKDF2), &of_kdf]);
    let encryption = element(SEQUENCE, &[&oid(cipher.oid()), &element(OCTETS, &[&iv])]);
    let algorithm = element(SEQUENCE, &[&oid(PBES2), &element(SEQUENCE, &[&kdf, &encryption])]);
    Ok(element(SEQUENCE, &[&algorithm, &element(OCTETS, &[&sealed])]).into())
}

/// A PEM (RFC 7468) with a label.
#[op2]
#[string]
pub(crate) fn op_node_pem(#[string] label: &str, #[buffer] der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (number, unit) in text.chars().enumerate() {
        if number > 0 && number % COLUMNS == 0 {
            pem.push('\n');
        }
        pem.push(unit);
    }
    pem + "\n-----END " + label + "-----\n"
}
