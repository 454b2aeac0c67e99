//! Keys from passwords: functions that are slow on purpose. They run in their event's own time, and look again and again
//! whether that is over.

use deno_core::convert::Uint8Array;
use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;
use hmac::{Hmac, Mac as _};
use sha2::{Sha256, Sha384, Sha512};

use super::hashes::Keyed;
use super::stopping::{Look, Stopped, look};
use super::{hashes, scrypt};
use crate::external_memory::ExternalMemory;

/// What a script may ask for at once, in bytes.
const LONGEST: usize = 1 << 20;

/// Rounds between two looks at the clock.
const ROUNDS: u32 = 512;

/// Bytes of a salt between two looks at it.
const PART: usize = 1 << 20;

fn too_long() -> JsErrorBox {
    JsErrorBox::range_error(format!("a key has at most {LONGEST} bytes here"))
}

fn stopped(stopped: Stopped) -> JsErrorBox {
    JsErrorBox::generic(stopped.to_string())
}

/// PBKDF2 (RFC 8018, 5.2) with one pseudorandom function.
macro_rules! pbkdf2 {
    ($digest:ty, $password:expr, $salt:expr, $rounds:expr, $key:expr, $look:expr) => {{
        let keyed = <Hmac<$digest> as hmac::Mac>::new_from_slice($password)
            .map_err(|_| JsErrorBox::type_error("the password can not be used"))?;
        let mut number = 0_u32;
        for block in $key.chunks_mut(<$digest as hmac::digest::OutputSizeUser>::output_size()) {
            number += 1;
            let mut mac = keyed.clone();
            for part in $salt.chunks(PART) {
                $look().map_err(stopped)?;
                mac.update(part);
            }
            mac.update(&number.to_be_bytes());
            let mut last = mac.finalize().into_bytes();
            let mut sum = last.clone();
            for round in 1..$rounds {
                if round % ROUNDS == 0 {
                    $look().map_err(stopped)?;
                }
                let mut mac = keyed.clone();
                mac.update(&last);
                last = mac.finalize().into_bytes();
                sum.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
            }
            $look().map_err(stopped)?;
            let length = block.len();
            block.copy_from_slice(&sum[..length]);
        }
    }};
}

pub(super) fn derive(
    digest: &str,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    key: &mut [u8],
    look: Look<'_>,
) -> Result<bool, JsErrorBox> {
    match hashes::plain(digest).as_str() {
        "sha1" => pbkdf2!(sha1::Sha1, password, salt, rounds, key, look),
        "sha224" => pbkdf2!(sha2::Sha224, password, salt, rounds, key, look),
        "sha256" => pbkdf2!(Sha256, password, salt, rounds, key, look),
        "sha384" => pbkdf2!(Sha384, password, salt, rounds, key, look),
        "sha512" => pbkdf2!(Sha512, password, salt, rounds, key, look),
        "sha512-224" => pbkdf2!(sha2::Sha512_224, password, salt, rounds, key, look),
        "sha512-256" => pbkdf2!(sha2::Sha512_256, password, salt, rounds, key, look),
        "sha3-224" => pbkdf2!(sha3::Sha3_224, password, salt, rounds, key, look),
        "sha3-256" => pbkdf2!(sha3::Sha3_256, password, salt, rounds, key, look),
        "sha3-384" => pbkdf2!(sha3::Sha3_384, password, salt, rounds, key, look),
        "sha3-512" => pbkdf2!(sha3::Sha3_512, password, salt, rounds, key, look),
        "ripemd160" => pbkdf2!(ripemd::Ripemd160, password, salt, rounds, key, look),
        "sm3" => pbkdf2!(sm3::Sm3, password, salt, rounds, key, look),
        "md5" => pbkdf2!(md5::Md5, password, salt, rounds, key, look),
        other => return derive_with(other, password, salt, rounds, key, look),
    }
    Ok(true)
}

/// The same with a hash that `Hmac` does not take. False where there is none.
fn derive_with(
    digest: &str,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    key: &mut [u8],
    look: Look<'_>,
) -> Result<bool, JsErrorBox> {
    use sha2::digest::DynDigest;
    let Some(keyed) = Keyed::new(digest, password) else {
        return Ok(false);
    };
    let size = DynDigest::output_size(&keyed);
    for (number, block) in (1_u32..).zip(key.chunks_mut(size)) {
        let mut mac = keyed.clone();
        for part in salt.chunks(PART) {
            look().map_err(stopped)?;
            DynDigest::update(&mut mac, part);
        }
        DynDigest::update(&mut mac, &number.to_be_bytes());
        let mut last = DynDigest::finalize(Box::new(mac));
        let mut sum = last.clone();
        for round in 1..rounds {
            if round % ROUNDS == 0 {
                look().map_err(stopped)?;
            }
            let mut mac = keyed.clone();
            DynDigest::update(&mut mac, &last);
            last = DynDigest::finalize(Box::new(mac));
            sum.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
        }
        look().map_err(stopped)?;
        let length = block.len();
        block.copy_from_slice(&sum[..length]);
    }
    Ok(true)
}

/// scrypt with its N, r and p (RFC 7914). Its table is counted before it is allocated: a script's `maxmem` is its own word.
pub(super) fn scrypt(
    password: &[u8],
    salt: &[u8],
    (cost, r, p): (usize, usize, usize),
    key: &mut [u8],
    memory: &ExternalMemory,
    look: Look<'_>,
) -> Result<(), JsErrorBox> {
    if cost < 2 || !cost.is_power_of_two() || r == 0 || p == 0 {
        return Err(JsErrorBox::range_error("the parameters of scrypt are invalid"));
    }
    let size = |blocks: usize| r.checked_mul(128).and_then(|block| block.checked_mul(blocks));
    let bytes = size(cost)
        .zip(size(p))
        .and_then(|(table, blocks)| table.checked_add(blocks))
        .ok_or_else(|| JsErrorBox::range_error("the parameters of scrypt are too large"))?;
    let _reservation = memory.reserve(bytes).map_err(JsErrorBox::from_err)?;
    let mut blocks = vec![0; r * 128 * p];
    derive("sha256", password, salt, 1, &mut blocks, look)?;
    let mut table = scrypt::Table::new(cost, r);
    for block in blocks.chunks_mut(r * 128) {
        table.mix(block, look).map_err(stopped)?;
    }
    derive("sha256", password, &blocks, 1, key, look)?;
    Ok(())
}

/// PBKDF2. Nothing where there is no such digest.
#[op2]
pub(crate) fn op_node_kdf_pbkdf2(
    scope: &mut v8::PinScope<'_, '_>,
    #[anybuffer] password: &[u8],
    #[anybuffer] salt: &[u8],
    #[smi] rounds: u32,
    #[smi] length: u32,
    #[string] digest: &str,
) -> Result<Option<Uint8Array>, JsErrorBox> {
    let length = length as usize;
    if length > LONGEST {
        return Err(too_long());
    }
    let mut look = || look(scope);
    let mut key = vec![0; length];
    let known = derive(digest, password, salt, rounds, &mut key, &mut look)?;
    Ok(known.then(|| key.into()))
}

/// scrypt (RFC 7914). `cost`, `block_size` and `parallelization` are its N, r and p.
#[op2]
pub(crate) fn op_node_kdf_scrypt(
    state: &mut OpState,
    scope: &mut v8::PinScope<'_, '_>,
    #[anybuffer] password: &[u8],
    #[anybuffer] salt: &[u8],
    #[smi] cost: u32,
    #[smi] block_size: u32,
    #[smi] parallelization: u32,
    #[smi] length: u32,
) -> Result<Uint8Array, JsErrorBox> {
    let (length, r, p) = (length as usize, block_size as usize, parallelization as usize);
    if length > LONGEST {
        return Err(too_long());
    }
    let memory = state.borrow::<ExternalMemory>().clone();
    let mut look = || look(scope);
    let mut key = vec![0; length];
    scrypt(password, salt, (cost as usize, r, p), &mut key, &memory, &mut look)?;
    Ok(key.into())
}
