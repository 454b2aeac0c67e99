//! Signatures by aws-lc, for the keys and hashes that it has: it takes a tenth of the time of the libraries that have all of them. Keys
//! are kept as it reads them, the few that were used last.

use std::collections::VecDeque;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{self as of, EcdsaKeyPair, EcdsaSigningAlgorithm, ParsedPublicKey, VerificationAlgorithm};
use deno_core::convert::Uint8Array;
use deno_core::{OpState, op2};

use crate::external_memory::{ExternalMemory, Reservation};

/// How many keys an isolate keeps, and what one takes, about, in bytes.
const MOST: usize = 64;
const KEPT: usize = 4096;

/// What is done, as `js/node/signatures.js` numbers it: a hash (SHA-256, SHA-384, SHA-512), and a form.
const PSS: u32 = 1;
const DER: u32 = 2;
const P1363: u32 = 3;
const FORMS: u32 = 4;

enum Key {
    Rsa(KeyPair, &'static dyn of::RsaEncoding),
    Ec(EcdsaKeyPair),
    Public(ParsedPublicKey),
}

struct Kept {
    id: u32,
    what: u32,
    /// Nothing where aws-lc does not take the key.
    key: Option<Key>,
    _counted: Reservation,
}

/// Keys of an isolate, those that were used last at the end.
#[derive(Default)]
struct Keys(VecDeque<Kept>);

fn hash(what: u32) -> &'static digest::Algorithm {
    match what / FORMS % 3 {
        0 => &digest::SHA256,
        1 => &digest::SHA384,
        _ => &digest::SHA512,
    }
}

fn private(what: u32, der: &[u8]) -> Option<Key> {
    let number = what / FORMS % 3;
    let (asn1, fixed): (&[&'static EcdsaSigningAlgorithm], &[&'static EcdsaSigningAlgorithm]) = match number {
        0 => (
            &[
                &of::ECDSA_P256_SHA256_ASN1_SIGNING,
                &of::ECDSA_P521_SHA256_ASN1_SIGNING,
                &of::ECDSA_P256K1_SHA256_ASN1_SIGNING,
            ],
            &[
                &of::ECDSA_P256_SHA256_FIXED_SIGNING,
                &of::ECDSA_P521_SHA256_FIXED_SIGNING,
                &of::ECDSA_P256K1_SHA256_FIXED_SIGNING,
            ],
        ),
        1 => (
            &[&of::ECDSA_P384_SHA384_ASN1_SIGNING, &of::ECDSA_P521_SHA384_ASN1_SIGNING],
            &[
                &of::ECDSA_P384_SHA384_FIXED_SIGNING,
                &of::ECDSA_P521_SHA384_FIXED_SIGNING,
            ],
        ),
        _ => (
            &[&of::ECDSA_P521_SHA512_ASN1_SIGNING],
            &[&of::ECDSA_P521_SHA512_FIXED_SIGNING],
        ),
    };
    let of_curve = |algorithms: &[&'static EcdsaSigningAlgorithm]| {
        let mut made = algorithms
            .iter()
            .filter_map(|one| EcdsaKeyPair::from_pkcs8(one, der).ok());
        made.next().map(Key::Ec)
    };
    let padding: &'static dyn of::RsaEncoding = match (what % FORMS, number) {
        (DER, _) => return of_curve(asn1),
        (P1363, _) => return of_curve(fixed),
        (PSS, 0) => &of::RSA_PSS_SHA256,
        (PSS, 1) => &of::RSA_PSS_SHA384,
        (PSS, _) => &of::RSA_PSS_SHA512,
        (_, 0) => &of::RSA_PKCS1_SHA256,
        (_, 1) => &of::RSA_PKCS1_SHA384,
        (_, _) => &of::RSA_PKCS1_SHA512,
    };
    Some(Key::Rsa(KeyPair::from_pkcs8(der).ok()?, padding))
}

fn public(what: u32, der: &[u8]) -> Option<Key> {
    let algorithms: &[&'static dyn VerificationAlgorithm] = match (what % FORMS, what / FORMS % 3) {
        (DER, 0) => &[
            &of::ECDSA_P256_SHA256_ASN1,
            &of::ECDSA_P384_SHA256_ASN1,
            &of::ECDSA_P521_SHA256_ASN1,
            &of::ECDSA_P256K1_SHA256_ASN1,
        ],
        (DER, 1) => &[
            &of::ECDSA_P256_SHA384_ASN1,
            &of::ECDSA_P384_SHA384_ASN1,
            &of::ECDSA_P521_SHA384_ASN1,
        ],
        (DER, _) => &[
            &of::ECDSA_P256_SHA512_ASN1,
            &of::ECDSA_P384_SHA512_ASN1,
            &of::ECDSA_P521_SHA512_ASN1,
        ],
        (P1363, 0) => &[
            &of::ECDSA_P256_SHA256_FIXED,
            &of::ECDSA_P521_SHA256_FIXED,
            &of::ECDSA_P256K1_SHA256_FIXED,
        ],
        (P1363, 1) => &[&of::ECDSA_P384_SHA384_FIXED, &of::ECDSA_P521_SHA384_FIXED],
        (P1363, _) => &[&of::ECDSA_P521_SHA512_FIXED],
        (PSS, 0) => &[&of::RSA_PSS_2048_8192_SHA256],
        (PSS, 1) => &[&of::RSA_PSS_2048_8192_SHA384],
        (PSS, _) => &[&of::RSA_PSS_2048_8192_SHA512],
        (_, 0) => &[&of::RSA_PKCS1_2048_8192_SHA256],
        (_, 1) => &[&of::RSA_PKCS1_2048_8192_SHA384],
        (_, _) => &[&of::RSA_PKCS1_2048_8192_SHA512],
    };
    let mut read = algorithms.iter().filter_map(|one| ParsedPublicKey::new(*one, der).ok());
    read.next().map(Key::Public)
}

/// Reads a key of PKCS#8, or of SubjectPublicKeyInfo, for what is done with it. False where aws-lc does not take it, or there is no
/// memory for it: then there is the slow way.
#[op2(fast)]
pub(crate) fn op_node_quick_read(
    state: &mut OpState,
    #[smi] id: u32,
    #[smi] what: u32,
    #[buffer] der: &[u8],
    signs: bool,
) -> bool {
    let Ok(counted) = state.borrow::<ExternalMemory>().reserve(KEPT) else {
        return false;
    };
    let key = if signs { private(what, der) } else { public(what, der) };
    let taken = key.is_some();
    if !state.has::<Keys>() {
        state.put(Keys::default());
    }
    let keys = &mut state.borrow_mut::<Keys>().0;
    if keys.len() >= MOST {
        keys.pop_front();
    }
    keys.push_back(Kept {
        id,
        what,
        key,
        _counted: counted,
    });
    taken
}

/// The key, and the digest as aws-lc has it.
fn find<'a>(state: &'a mut OpState, id: u32, what: u32, digest: &[u8]) -> Option<(&'a Kept, Digest)> {
    let keys = &mut state.try_borrow_mut::<Keys>()?.0;
    let place = keys.iter().rposition(|kept| kept.id == id && kept.what == what)?;
    if place + 1 < keys.len() {
        let kept = keys.remove(place)?;
        keys.push_back(kept);
    }
    Some((keys.back()?, Digest::import_less_safe(digest, hash(what)).ok()?))
}

/// A signature of a digest. Empty where the key was not read, or is none of aws-lc's.
#[op2]
pub(crate) fn op_node_quick_sign(
    state: &mut OpState,
    #[smi] id: u32,
    #[smi] what: u32,
    #[buffer] digest: &[u8],
) -> Option<Uint8Array> {
    let (kept, digest) = find(state, id, what, digest)?;
    match kept.key.as_ref()? {
        Key::Rsa(pair, padding) => {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign_digest(*padding, &digest, &mut signature).ok()?;
            Some(signature.into())
        }
        Key::Ec(pair) => Some(pair.sign_digest(&digest).ok()?.as_ref().to_vec().into()),
        Key::Public(_) => None,
    }
}

/// Whether a signature is of a digest: 1 or 0, and -1 where the key was not read, or is none of aws-lc's.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_quick_verify(
    state: &mut OpState,
    #[smi] id: u32,
    #[smi] what: u32,
    #[buffer] digest: &[u8],
    #[buffer] signature: &[u8],
) -> i32 {
    let Some((kept, digest)) = find(state, id, what, digest) else {
        return -1;
    };
    match &kept.key {
        Some(Key::Public(key)) => i32::from(key.verify_digest_sig(&digest, signature).is_ok()),
        _ => -1,
    }
}
