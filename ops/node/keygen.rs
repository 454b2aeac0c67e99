//! Keys that are made, in their event's own time: a search for primes looks again and again whether that is over.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use deno_core::{op2, v8};
use deno_error::JsErrorBox;
use deno_node_crypto::keys::{
    AsymmetricPrivateKey, KeyObjectHandle, RsaPssDetails, RsaPssHashAlgorithm, RsaPssPrivateKey,
};
use num_bigint_dig::BigUint;
use num_integer::Integer as _;
use num_traits::{One as _, Zero as _};
use rsa::RsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey as _;

use super::der;
use super::guard::{coded, guarded, range, refused};
use super::keys::{LONGEST_DH, LONGEST_DSA, LONGEST_RSA, checked};
use super::modular::{Wanted, power, prime, random};
use super::stopping::{Look, look};

const EXPONENT: u32 = 65_537;

fn failed() -> JsErrorBox {
    JsErrorBox::generic("the key can not be made")
}

fn rsa_key(bits: u32, exponent: u32, look: Look<'_>) -> Result<RsaPrivateKey, JsErrorBox> {
    let bits = bits as usize;
    if exponent < 3 || exponent.is_multiple_of(2) {
        return Err(coded(
            "ERR_OSSL_RSA_PUB_EXPONENT_OUT_OF_RANGE",
            "error:020000B2:rsa routines::pub exponent out of range",
        ));
    }
    if bits < 512 {
        return Err(coded(
            "ERR_OSSL_RSA_KEY_SIZE_TOO_SMALL",
            "error:02000078:rsa routines::key size too small",
        ));
    }
    if bits > LONGEST_RSA {
        return Err(refused(format!("RSA keys have at most {LONGEST_RSA} bits here")));
    }
    // A tenth of a second or less, and the usual ones.
    let size = match (bits, exponent) {
        (2048, EXPONENT) => Some(KeySize::Rsa2048),
        (3072, EXPONENT) => Some(KeySize::Rsa3072),
        _ => None,
    };
    if let Some(size) = size {
        let pair = KeyPair::generate(size).map_err(|_| failed())?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| failed())?;
        return RsaPrivateKey::from_pkcs8_der(der.as_ref()).map_err(|_| failed());
    }
    let e = BigUint::from(exponent);
    let accept = |number: &BigUint| (number - BigUint::one()).gcd(&e).is_one();
    let wanted = |bits: usize| Wanted {
        bits,
        top: 2,
        step: BigUint::from(2_u32),
        rest: BigUint::one(),
        safe: false,
        accept: &accept,
    };
    let p = prime(&wanted(bits.div_ceil(2)), look)?;
    let mut q = prime(&wanted(bits / 2), look)?;
    while q == p {
        q = prime(&wanted(bits / 2), look)?;
    }
    RsaPrivateKey::from_p_q(p, q, e).map_err(|_| failed())
}

/// A new RSA key.
#[op2]
#[cppgc]
pub(crate) fn op_node_make_rsa(
    scope: &mut v8::PinScope<'_, '_>,
    #[smi] bits: u32,
    exponent: u32,
) -> Result<KeyObjectHandle, JsErrorBox> {
    let mut look = || look(scope);
    guarded(|| {
        let key = rsa_key(bits, exponent, &mut look)?;
        Ok(KeyObjectHandle::AsymmetricPrivate(AsymmetricPrivateKey::Rsa(key)))
    })
}

fn pss_hash(name: &str) -> Result<RsaPssHashAlgorithm, JsErrorBox> {
    Ok(match super::hashes::plain(name).as_str() {
        "sha1" => RsaPssHashAlgorithm::Sha1,
        "sha224" => RsaPssHashAlgorithm::Sha224,
        "sha256" => RsaPssHashAlgorithm::Sha256,
        "sha384" => RsaPssHashAlgorithm::Sha384,
        "sha512" => RsaPssHashAlgorithm::Sha512,
        "sha512-224" => RsaPssHashAlgorithm::Sha512_224,
        "sha512-256" => RsaPssHashAlgorithm::Sha512_256,
        _ => {
            return Err(JsErrorBox::type_error(format!(
                "digest not allowed for RSA-PSS keys: {name}"
            )));
        }
    })
}

/// A new key of RSASSA-PSS. The hash of its mask is that of the message.
#[op2]
#[cppgc]
pub(crate) fn op_node_make_rsa_pss(
    scope: &mut v8::PinScope<'_, '_>,
    #[smi] bits: u32,
    exponent: u32,
    #[string] hash: Option<String>,
    #[string] mask_hash: Option<String>,
    #[smi] salt: i32,
) -> Result<KeyObjectHandle, JsErrorBox> {
    let restricted = hash.is_some() || mask_hash.is_some() || salt >= 0;
    let details = if restricted {
        let hash = pss_hash(hash.as_deref().unwrap_or("sha1"))?;
        let mask = mask_hash.as_deref().map_or(Ok(hash), pss_hash)?;
        Some(RsaPssDetails {
            hash_algorithm: hash,
            mf1_hash_algorithm: mask,
            salt_length: u32::try_from(salt).unwrap_or_else(|_| hash.salt_length()),
        })
    } else {
        None
    };
    let mut look = || look(scope);
    guarded(|| {
        let key = RsaPssPrivateKey {
            key: rsa_key(bits, exponent, &mut look)?,
            details,
        };
        Ok(KeyObjectHandle::AsymmetricPrivate(AsymmetricPrivateKey::RsaPss(key)))
    })
}

/// A new key of DSA (FIPS 186-4), with a modulus and a divisor of so many bits.
#[op2]
#[cppgc]
pub(crate) fn op_node_make_dsa(
    scope: &mut v8::PinScope<'_, '_>,
    #[smi] bits: u32,
    #[smi] divisor: u32,
) -> Result<KeyObjectHandle, JsErrorBox> {
    let (bits, divisor) = (bits as usize, divisor as usize);
    if !(512..=LONGEST_DSA).contains(&bits) || !(160..=256).contains(&divisor) {
        return Err(refused(format!(
            "DSA keys have a modulus of 512 to {LONGEST_DSA} bits and a divisor of 160 to 256 bits here"
        )));
    }
    let mut look = || look(scope);
    guarded(|| {
        let wanted = |bits, step, rest| Wanted {
            bits,
            top: 1,
            step,
            rest,
            safe: false,
            accept: &|_| true,
        };
        let two = BigUint::from(2_u32);
        let q = prime(&wanted(divisor, two.clone(), BigUint::one()), &mut look)?;
        let p = prime(&wanted(bits, &q * &two, BigUint::one()), &mut look)?;
        let mut base = two.clone();
        let mut generator = BigUint::one();
        while generator.is_one() {
            generator = power(&base, &((&p - BigUint::one()) / &q), &p, &mut look).map_err(|_| failed())?;
            base += BigUint::one();
        }
        let private = random(divisor + 64)? % (&q - BigUint::one()) + BigUint::one();
        let open = power(&generator, &private, &p, &mut look).map_err(|_| failed())?;
        let components = dsa::Components::from_components(p, q, generator).map_err(|_| failed())?;
        let public = dsa::VerifyingKey::from_components(components, open).map_err(|_| failed())?;
        let key = dsa::SigningKey::from_components(public, private).map_err(|_| failed())?;
        Ok(KeyObjectHandle::AsymmetricPrivate(AsymmetricPrivateKey::Dsa(key)))
    })
}

/// A new key of Diffie and Hellman, with a prime that is given, or a safe one of so many bits.
#[op2]
#[cppgc]
pub(crate) fn op_node_make_dh(
    scope: &mut v8::PinScope<'_, '_>,
    #[buffer] given: &[u8],
    #[smi] bits: u32,
    #[smi] generator: u32,
) -> Result<KeyObjectHandle, JsErrorBox> {
    let mut look = || look(scope);
    guarded(|| {
        let p = if given.is_empty() {
            safe_prime(bits as usize, generator, &mut look)?
        } else {
            BigUint::from_bytes_be(given)
        };
        if p.bits() > LONGEST_DH {
            return Err(refused(format!(
                "Diffie-Hellman keys have at most {LONGEST_DH} bits here"
            )));
        }
        if p < BigUint::from(5_u32) || p.trailing_zeros() != Some(0) {
            return Err(range("ERR_OUT_OF_RANGE", "the prime is too small, or is none"));
        }
        // Twice what the strength of such a prime is, and more.
        let private = random(p.bits().min(512))? % (&p - BigUint::from(3_u32)) + BigUint::from(2_u32);
        let der = der::dh_private(&p, &BigUint::from(generator), &private);
        let key = KeyObjectHandle::new_asymmetric_private_key_from_js(&der, "der", "pkcs8", None);
        checked(key.map_err(JsErrorBox::from_err)?)
    })
}

fn safe_prime(bits: usize, generator: u32, look: Look<'_>) -> Result<BigUint, JsErrorBox> {
    if !(512..=LONGEST_DH).contains(&bits) {
        return Err(coded(
            "ERR_OSSL_DH_MODULUS_TOO_SMALL",
            "error:0280007E:Diffie-Hellman routines::modulus too small",
        ));
    }
    // OpenSSL's choice: the generator is no square.
    let (step, rest) = match generator {
        2 => (24_u32, 23_u32),
        5 => (60, 59),
        _ => (12, 11),
    };
    prime(
        &Wanted {
            bits,
            top: 1,
            step: BigUint::from(step),
            rest: BigUint::from(rest),
            safe: true,
            accept: &|number| !number.is_zero(),
        },
        look,
    )
}

/// A new key on Edwards' or Montgomery's curve of 448 bits.
#[op2]
#[cppgc]
pub(crate) fn op_node_make_448(signs: bool) -> Result<KeyObjectHandle, JsErrorBox> {
    let (curve, length) = if signs { ("Ed448", 57) } else { ("X448", 56) };
    let mut bytes = vec![0; length];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| failed())?;
    guarded(|| KeyObjectHandle::new_ed_raw(curve, &bytes, false).map_err(JsErrorBox::from_err))
}
