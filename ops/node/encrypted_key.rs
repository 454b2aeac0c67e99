//! Private keys that are encrypted (PKCS #8 with PBES2, RFC 8018): how long they take to open is written in them, so that they are
//! opened in their event's own time.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deno_core::convert::Uint8Array;
use deno_core::op2;
use deno_error::JsErrorBox;
use pkcs8::EncryptedPrivateKeyInfo;
use pkcs8::der::Encode as _;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{self, Kdf, Pbkdf2Prf};

use super::guard::{coded, guarded};
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

fn unsupported() -> JsErrorBox {
    coded("ERR_OSSL_UNSUPPORTED", "error:1E08010C:DECODER routines::unsupported")
}

fn missing() -> JsErrorBox {
    coded(
        "ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED",
        "error:07880109:common libcrypto routines::interrupted or cancelled",
    )
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
    let known = encoding == "pkcs8" && EncryptedPrivateKeyInfo::try_from(bytes).is_ok();
    known.then(|| bytes.to_vec())
}

/// The PKCS#8 of a key.
pub(super) fn open(
    der: &[u8],
    passphrase: Option<&[u8]>,
    memory: &ExternalMemory,
    look: Look<'_>,
) -> Result<Vec<u8>, JsErrorBox> {
    let passphrase = passphrase.ok_or_else(missing)?;
    let info = EncryptedPrivateKeyInfo::try_from(der).map_err(|_| unsupported())?;
    let EncryptionScheme::Pbes2(scheme) = &info.encryption_algorithm else {
        return Err(unsupported());
    };
    let mut key = vec![0; scheme.encryption.key_size()];
    match &scheme.kdf {
        Kdf::Pbkdf2(parameters) => {
            let digest = match parameters.prf {
                Pbkdf2Prf::HmacWithSha1 => "sha1",
                Pbkdf2Prf::HmacWithSha224 => "sha224",
                Pbkdf2Prf::HmacWithSha256 => "sha256",
                Pbkdf2Prf::HmacWithSha384 => "sha384",
                Pbkdf2Prf::HmacWithSha512 => "sha512",
                _ => return Err(unsupported()),
            };
            let rounds = parameters.iteration_count;
            kdf::derive(digest, passphrase, parameters.salt, rounds, &mut key, look)?;
        }
        Kdf::Scrypt(parameters) => {
            let r = usize::from(parameters.block_size);
            let p = usize::from(parameters.parallelization);
            let cost = usize::try_from(parameters.cost_parameter).map_err(|_| unsupported())?;
            kdf::scrypt(passphrase, parameters.salt, (cost, r, p), &mut key, memory, look)?;
        }
        _ => return Err(unsupported()),
    }
    decrypt(&scheme.encryption, &key, info.encrypted_data)
}

fn decrypt(scheme: &pbes2::EncryptionScheme<'_>, key: &[u8], data: &[u8]) -> Result<Vec<u8>, JsErrorBox> {
    macro_rules! cbc {
        ($cipher:ty, $iv:expr) => {
            cbc::Decryptor::<$cipher>::new_from_slices(key, $iv)
                .map_err(|_| unsupported())?
                .decrypt_padded_vec_mut::<Pkcs7>(data)
                .map_err(|_| bad_decrypt())
        };
    }
    match scheme {
        pbes2::EncryptionScheme::Aes128Cbc { iv } => cbc!(aes::Aes128, *iv),
        pbes2::EncryptionScheme::Aes192Cbc { iv } => cbc!(aes::Aes192, *iv),
        pbes2::EncryptionScheme::Aes256Cbc { iv } => cbc!(aes::Aes256, *iv),
        _ => Err(unsupported()),
    }
}

/// A PKCS#8 that is encrypted, as OpenSSL writes it, for a cipher of PBES2.
#[op2]
pub(crate) fn op_node_key_seal(
    #[buffer] der: &[u8],
    #[string] cipher: &str,
    #[buffer] passphrase: &[u8],
) -> Result<Uint8Array, JsErrorBox> {
    let failed = || JsErrorBox::generic("the key can not be encrypted");
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    for bytes in [&mut salt[..], &mut iv[..]] {
        aws_lc_rs::rand::fill(bytes).map_err(|_| failed())?;
    }
    let encryption = match cipher.to_ascii_lowercase().as_str() {
        "aes-128-cbc" | "aes128" => pbes2::EncryptionScheme::Aes128Cbc { iv: &iv },
        "aes-192-cbc" | "aes192" => pbes2::EncryptionScheme::Aes192Cbc { iv: &iv },
        "aes-256-cbc" | "aes256" => pbes2::EncryptionScheme::Aes256Cbc { iv: &iv },
        _ => {
            return Err(coded(
                "ERR_OSSL_ASN1_CIPHER_HAS_NO_OBJECT_IDENTIFIER",
                "error:0680006D:asn1 encoding routines::cipher has no object identifier",
            ));
        }
    };
    let mut key = vec![0; encryption.key_size()];
    kdf::derive("sha256", passphrase, &salt, ROUNDS, &mut key, &mut || Ok(()))?;
    macro_rules! cbc {
        ($cipher:ty, $iv:expr) => {
            cbc::Encryptor::<$cipher>::new_from_slices(&key, &$iv[..])
                .map_err(|_| failed())?
                .encrypt_padded_vec_mut::<Pkcs7>(der)
        };
    }
    let sealed = match encryption {
        pbes2::EncryptionScheme::Aes128Cbc { .. } => cbc!(aes::Aes128, iv),
        pbes2::EncryptionScheme::Aes192Cbc { .. } => cbc!(aes::Aes192, iv),
        _ => cbc!(aes::Aes256, iv),
    };
    let kdf = pbes2::Pbkdf2Params::hmac_with_sha256(ROUNDS, &salt).map_err(|_| failed())?;
    let info = EncryptedPrivateKeyInfo {
        encryption_algorithm: EncryptionScheme::Pbes2(pbes2::Parameters {
            kdf: kdf.into(),
            encryption,
        }),
        encrypted_data: &sealed,
    };
    guarded(|| Ok(info.to_der().map_err(|_| failed())?.into()))
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
