//! Files of keys that `deno_node_crypto` writes without what their algorithm's parameters say: Diffie-Hellman (PKCS #3) and RSASSA-PSS (RFC 4055).

use deno_core::convert::Uint8Array;
use deno_core::op2;
use deno_error::JsErrorBox;
use deno_node_crypto::keys::{
    AsymmetricPrivateKey, AsymmetricPublicKey, KeyObjectHandle, RsaPssDetails, RsaPssHashAlgorithm,
};
use num_bigint_dig::BigUint;
use pkcs8::der::asn1::Int;
use rsa::pkcs1::{EncodeRsaPrivateKey as _, EncodeRsaPublicKey as _};

use super::der::{element, expect, integer, take};
use super::guard::guarded;

/// `id-RSASSA-PSS` and `id-mgf1`.
const PSS: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const MGF1: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];

/// `dhKeyAgreement`.
const DH: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01];

const NULL: &[u8] = &[0x05, 0x00];

/// What a salt has where nothing is said (RFC 4055, 3.1), in bytes.
const SALT: u32 = 20;

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
const BITS: u8 = 0x03;

fn hash(algorithm: RsaPssHashAlgorithm) -> Vec<u8> {
    let sha2 = |last: u8| vec![0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last];
    let oid = match algorithm {
        RsaPssHashAlgorithm::Sha1 => vec![0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a],
        RsaPssHashAlgorithm::Sha256 => sha2(1),
        RsaPssHashAlgorithm::Sha384 => sha2(2),
        RsaPssHashAlgorithm::Sha512 => sha2(3),
        RsaPssHashAlgorithm::Sha224 => sha2(4),
        RsaPssHashAlgorithm::Sha512_224 => sha2(5),
        RsaPssHashAlgorithm::Sha512_256 => sha2(6),
    };
    element(SEQUENCE, &[&oid, NULL])
}

/// The algorithm of RSASSA-PSS. What is as it is by default is left out.
fn pss(details: Option<&RsaPssDetails>) -> Vec<u8> {
    let Some(details) = details else {
        return element(SEQUENCE, &[PSS]);
    };
    let mut parameters = Vec::new();
    if details.hash_algorithm != RsaPssHashAlgorithm::Sha1 {
        parameters.extend(element(0xa0, &[&hash(details.hash_algorithm)]));
    }
    if details.mf1_hash_algorithm != RsaPssHashAlgorithm::Sha1 {
        let mask = element(SEQUENCE, &[MGF1, &hash(details.mf1_hash_algorithm)]);
        parameters.extend(element(0xa1, &[&mask]));
    }
    if details.salt_length != SALT {
        parameters.extend(element(0xa2, &[&integer(&BigUint::from(details.salt_length))]));
    }
    element(SEQUENCE, &[PSS, &element(SEQUENCE, &[&parameters])])
}

fn number(bytes: &[u8]) -> Vec<u8> {
    integer(&BigUint::from_bytes_be(bytes))
}

/// The algorithm of Diffie and Hellman, of a prime, a base and how many bits a private number has.
fn dh(prime: &[u8], base: &[u8], length: Option<&[u8]>) -> Vec<u8> {
    let length = length.map(number).unwrap_or_default();
    element(
        SEQUENCE,
        &[DH, &element(SEQUENCE, &[&number(prime), &number(base), &length])],
    )
}

/// `PrivateKeyInfo` (RFC 5208).
fn private(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let version = integer(&BigUint::default());
    element(SEQUENCE, &[&version, algorithm, &element(OCTETS, &[key])])
}

/// `SubjectPublicKeyInfo` (RFC 5280).
fn public(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[algorithm, &element(BITS, &[&[0], key])])
}

fn written(key: &KeyObjectHandle) -> Result<Option<Vec<u8>>, JsErrorBox> {
    let failed = || JsErrorBox::generic("the key can not be written");
    Ok(Some(match key {
        KeyObjectHandle::AsymmetricPrivate(AsymmetricPrivateKey::RsaPss(key)) => {
            let numbers = key.key.to_pkcs1_der().map_err(|_| failed())?;
            private(&pss(key.details.as_ref()), numbers.as_bytes())
        }
        KeyObjectHandle::AsymmetricPublic(AsymmetricPublicKey::RsaPss(key)) => {
            let numbers = key.key.to_pkcs1_der().map_err(|_| failed())?;
            public(&pss(key.details.as_ref()), numbers.as_bytes())
        }
        KeyObjectHandle::AsymmetricPrivate(AsymmetricPrivateKey::Dh(key)) => {
            let (prime, base) = (key.params.prime.as_bytes(), key.params.base.as_bytes());
            let length = key.params.private_value_length.as_ref().map(Int::as_bytes);
            private(&dh(prime, base, length), &number(&key.key.clone().into_vec()))
        }
        KeyObjectHandle::AsymmetricPublic(AsymmetricPublicKey::Dh(key)) => {
            let (prime, base) = (key.params.prime.as_bytes(), key.params.base.as_bytes());
            let length = key.params.private_value_length.as_ref().map(Int::as_bytes);
            public(&dh(prime, base, length), &number(&key.key.clone().into_vec()))
        }
        _ => return Ok(None),
    }))
}

/// A mask that a file does not name has SHA-1 (RFC 4055, 3.1), where `deno_node_crypto` takes the message's hash.
pub(super) fn mask_by_default(key: &mut KeyObjectHandle, der: &[u8]) {
    let details = match key {
        KeyObjectHandle::AsymmetricPrivate(AsymmetricPrivateKey::RsaPss(key)) => &mut key.details,
        KeyObjectHandle::AsymmetricPublic(AsymmetricPublicKey::RsaPss(key)) => &mut key.details,
        _ => return,
    };
    let place = der.windows(PSS.len()).position(|window| window == PSS);
    let Some(mut rest) = place.and_then(|place| der.get(place + PSS.len()..)) else {
        return;
    };
    let Some((details, mut parameters)) = details.as_mut().zip(expect(&mut rest, SEQUENCE)) else {
        return;
    };
    while let Some((tag, _)) = take(&mut parameters) {
        if tag == 0xa1 {
            return;
        }
    }
    details.mf1_hash_algorithm = RsaPssHashAlgorithm::Sha1;
}

/// A key as PKCS#8 or SubjectPublicKeyInfo. Nothing where `deno_node_crypto` writes it whole.
#[op2]
pub(crate) fn op_node_key_der(#[cppgc] key: &KeyObjectHandle) -> Result<Option<Uint8Array>, JsErrorBox> {
    guarded(|| Ok(written(key)?.map(Into::into)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_by_default_is_left_out() {
        let details = RsaPssDetails {
            hash_algorithm: RsaPssHashAlgorithm::Sha1,
            mf1_hash_algorithm: RsaPssHashAlgorithm::Sha1,
            salt_length: SALT,
        };
        assert_eq!(pss(Some(&details)), element(SEQUENCE, &[PSS, &[0x30, 0]]));
        assert_eq!(pss(None), element(SEQUENCE, &[PSS]));
        let longer = RsaPssDetails {
            salt_length: 32,
            ..details
        };
        assert_eq!(
            pss(Some(&longer)),
            element(SEQUENCE, &[PSS, &[0x30, 5, 0xa2, 3, 2, 1, 0x20]])
        );
    }
}
