//! Primes and powers of integers for `generatePrime`, `checkPrime` and groups of Diffie-Hellman, in their event's own time.

use deno_core::convert::Uint8Array;
use deno_core::{op2, v8};
use deno_error::JsErrorBox;
use num_bigint_dig::BigUint;
use num_traits::{One as _, Zero as _};

use super::guard::{coded, guarded, range};
use super::modular::{LONGEST, Wanted, is_prime, power, prime, rounds_for};
use super::stopping::look;

/// More rounds prove nothing more.
const ROUNDS: u32 = 64;

fn number(bytes: &[u8]) -> Result<BigUint, JsErrorBox> {
    let number = BigUint::from_bytes_be(bytes);
    if bytes.len() > LONGEST || number.bits() > LONGEST {
        return Err(range(
            "ERR_OUT_OF_RANGE",
            format!("a number has at most {LONGEST} bits here"),
        ));
    }
    Ok(number)
}

/// Big-endian, of at least so many bytes.
fn bytes(number: &BigUint, length: usize) -> Uint8Array {
    let bytes = if number.is_zero() {
        Vec::new()
    } else {
        number.to_bytes_be()
    };
    let mut padded = vec![0; length.saturating_sub(bytes.len())];
    padded.extend(bytes);
    padded.into()
}

/// Whether a number is probably a prime. No rounds are as many as its length wants.
#[op2]
pub(crate) fn op_node_is_prime(
    scope: &mut v8::PinScope<'_, '_>,
    #[anybuffer] candidate: &[u8],
    #[smi] rounds: u32,
) -> Result<bool, JsErrorBox> {
    let number = number(candidate)?;
    let rounds = if rounds == 0 {
        rounds_for(number.bits())
    } else {
        rounds.min(ROUNDS)
    };
    guarded(|| is_prime(&number, rounds, &mut || look(scope)))
}

/// A prime of so many bits, which is `rem` modulo `add` where those are given.
#[op2]
pub(crate) fn op_node_prime(
    scope: &mut v8::PinScope<'_, '_>,
    #[smi] bits: u32,
    safe: bool,
    #[anybuffer] add: Option<&[u8]>,
    #[anybuffer] rem: Option<&[u8]>,
) -> Result<Uint8Array, JsErrorBox> {
    let bits = bits as usize;
    if bits < 2 {
        return Err(coded(
            "ERR_OSSL_BN_BITS_TOO_SMALL",
            "error:01800076:bignum routines::bits too small",
        ));
    }
    let add = add.map(number).transpose()?;
    let rem = rem.map(number).transpose()?;
    if let Some(add) = &add {
        if add.is_zero() || add.bits() > bits {
            return Err(range("ERR_OUT_OF_RANGE", "invalid options.add"));
        }
        if rem.as_ref().is_some_and(|rem| rem >= add) {
            return Err(range("ERR_OUT_OF_RANGE", "invalid options.rem"));
        }
    }
    let two = BigUint::from(2_u32);
    let (usual, rest) = if safe {
        (&two * &two, &two + BigUint::one())
    } else {
        (two, BigUint::one())
    };
    // Small safe primes are not all 3 modulo 4.
    let usual = if bits < 5 && safe { BigUint::one() } else { usual };
    let rest = if add.is_none() && bits < 5 {
        BigUint::one()
    } else {
        rest
    };
    let wanted = Wanted {
        bits,
        top: if add.is_none() && bits > 2 { 2 } else { 1 },
        rest: if add.is_some() { rem.unwrap_or(rest) } else { rest },
        step: add.unwrap_or(usual),
        safe,
        accept: &|_| true,
    };
    let found = guarded(|| prime(&wanted, &mut || look(scope)))?;
    Ok(bytes(&found, bits.div_ceil(8)))
}

/// `base` to the `exponent`, modulo `modulus`, of at least so many bytes.
#[op2]
pub(crate) fn op_node_power(
    scope: &mut v8::PinScope<'_, '_>,
    #[anybuffer] base: &[u8],
    #[anybuffer] exponent: &[u8],
    #[anybuffer] modulus: &[u8],
    #[smi] length: u32,
) -> Result<Uint8Array, JsErrorBox> {
    let (base, exponent, modulus) = (number(base)?, number(exponent)?, number(modulus)?);
    let result = guarded(|| {
        power(&base, &exponent, &modulus, &mut || look(scope))
            .map_err(|stopped| JsErrorBox::generic(stopped.to_string()))
    })?;
    Ok(bytes(&result, (length as usize).min(LONGEST / 8)))
}
