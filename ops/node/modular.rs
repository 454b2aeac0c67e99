//! Powers and primes, a bounded piece at a time: between the pieces a script can be stopped.

use std::sync::LazyLock;

use deno_error::JsErrorBox;
use num_bigint_dig::BigUint;
use num_traits::{One as _, ToPrimitive as _, Zero as _};

use super::stopping::{Look, Stopped};

/// The largest number that is computed with, in bits.
pub(super) const LONGEST: usize = 8192;

/// Powers of at most so many bits take a few milliseconds, and are not cut.
const WHOLE: usize = 2048;

/// Bytes of an exponent that are taken at once.
const SLICE: usize = 32;

/// How many candidates are looked at from one random start.
const CANDIDATES: usize = 1 << 13;

/// How many of them the sieve takes between two looks at the clock.
const SIEVED: usize = 1 << 8;

/// Primes that a sieve divides by.
static SMALL: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut primes: Vec<u32> = Vec::new();
    for number in 2..4096_u32 {
        if primes.iter().all(|prime| number % prime != 0) {
            primes.push(number);
        }
    }
    primes
});

/// Numbers at random, of at most so many bits.
pub(super) fn random(bits: usize) -> Result<BigUint, JsErrorBox> {
    let mut bytes = vec![0; bits.div_ceil(8)];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| JsErrorBox::generic("there is no randomness"))?;
    let spare = bytes.len() * 8 - bits;
    if let Some(first) = bytes.first_mut() {
        *first &= 0xff_u8.checked_shr(u32::try_from(spare).unwrap_or(8)).unwrap_or(0);
    }
    Ok(BigUint::from_bytes_be(&bytes))
}

/// `base` to the `exponent`, modulo `modulus`, of which 0 makes 0.
pub(super) fn power(base: &BigUint, exponent: &BigUint, modulus: &BigUint, look: Look<'_>) -> Result<BigUint, Stopped> {
    if *modulus <= BigUint::one() {
        return Ok(BigUint::zero());
    }
    let base = base % modulus;
    look()?;
    if modulus.bits() <= WHOLE && exponent.bits() <= WHOLE {
        return Ok(base.modpow(exponent, modulus));
    }
    let mut result = BigUint::one();
    for slice in exponent.to_bytes_be().chunks(SLICE) {
        look()?;
        let shifted = result.modpow(&(BigUint::one() << (slice.len() * 8)), modulus);
        result = shifted * base.modpow(&BigUint::from_bytes_be(slice), modulus) % modulus;
    }
    Ok(result)
}

/// How many rounds leave a chance of less than 2^-80 for a number at random.
pub(super) fn rounds_for(bits: usize) -> u32 {
    match bits {
        1300.. => 4,
        550.. => 8,
        200.. => 20,
        _ => 40,
    }
}

fn stopped(stopped: Stopped) -> JsErrorBox {
    JsErrorBox::generic(stopped.to_string())
}

fn residue(number: &BigUint, prime: u32) -> u32 {
    (number % prime).to_u32().unwrap_or(0)
}

/// Miller and Rabin's test with bases at random.
pub(super) fn is_prime(number: &BigUint, rounds: u32, look: Look<'_>) -> Result<bool, JsErrorBox> {
    if *number < BigUint::from(2_u32) {
        return Ok(false);
    }
    for prime in SMALL.iter() {
        if residue(number, *prime) == 0 {
            return Ok(*number == BigUint::from(*prime));
        }
    }
    miller_rabin(number, rounds, look)
}

/// The test alone, of an odd number above 3.
fn miller_rabin(number: &BigUint, rounds: u32, look: Look<'_>) -> Result<bool, JsErrorBox> {
    let last = number - BigUint::one();
    let twos = last.trailing_zeros().unwrap_or(0);
    let odd = &last >> twos;
    for _ in 0..rounds {
        let base = random(number.bits())? % (number - BigUint::from(3_u32)) + BigUint::from(2_u32);
        let mut x = power(&base, &odd, number, look).map_err(stopped)?;
        if x.is_one() || x == last {
            continue;
        }
        let mut composite = true;
        for _ in 1..twos {
            x = &x * &x % number;
            if x == last {
                composite = false;
                break;
            }
        }
        if composite {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Which primes are looked for.
pub(super) struct Wanted<'a> {
    /// From 2 to [`LONGEST`].
    pub bits: usize,
    /// How many of the uppermost bits are set.
    pub top: usize,
    /// The prime is `rest` modulo `step`.
    pub step: BigUint,
    pub rest: BigUint,
    /// Half of the prime, rounded down, is a prime too.
    pub safe: bool,
    pub accept: &'a dyn Fn(&BigUint) -> bool,
}

/// A prime at random.
pub(super) fn prime(wanted: &Wanted<'_>, look: Look<'_>) -> Result<BigUint, JsErrorBox> {
    let bits = wanted.bits;
    if !(2..=LONGEST).contains(&bits) || wanted.step.is_zero() {
        return Err(JsErrorBox::range_error(format!("a prime has 2 to {LONGEST} bits here")));
    }
    let rounds = rounds_for(bits);
    let top = ((BigUint::one() << wanted.top) - BigUint::one()) << (bits - wanted.top.min(bits));
    // Numbers that are as small as the sieve's primes are not for the sieve.
    let sieve: &[u32] = if bits > 16 { &SMALL } else { &[] };
    let steps: Vec<u32> = sieve.iter().map(|prime| residue(&wanted.step, *prime)).collect();
    loop {
        let random = set(random(bits)?, &top);
        let start = &random - &random % &wanted.step + &wanted.rest;
        let mut rests: Vec<u32> = sieve.iter().map(|prime| residue(&start, *prime)).collect();
        for number in 0..CANDIDATES {
            // None may be left of what is asked for.
            if number.is_multiple_of(SIEVED) {
                look().map_err(stopped)?;
            }
            let divided = sieve
                .iter()
                .zip(&rests)
                .any(|(prime, rest)| *rest == 0 || (wanted.safe && *prime > 2 && *rest == 1));
            for ((prime, rest), step) in sieve.iter().zip(&mut rests).zip(&steps) {
                *rest = (*rest + step) % prime;
            }
            if divided {
                continue;
            }
            look().map_err(stopped)?;
            let candidate = &start + &wanted.step * BigUint::from(number);
            if candidate.bits() != bits {
                break;
            }
            // One round finds most that are none, and the sieve has divided already.
            let test = if sieve.is_empty() { is_prime } else { miller_rabin };
            if (wanted.accept)(&candidate)
                && test(&candidate, 1, look)?
                && (!wanted.safe || is_prime(&(&candidate >> 1_usize), rounds, look)?)
                && test(&candidate, rounds, look)?
            {
                return Ok(candidate);
            }
        }
    }
}

/// A number that has the bits of another, too.
fn set(number: BigUint, bits: &BigUint) -> BigUint {
    let (mut one, other) = (number.to_bytes_le(), bits.to_bytes_le());
    one.resize(one.len().max(other.len()), 0);
    one.iter_mut().zip(&other).for_each(|(byte, other)| *byte |= other);
    BigUint::from_bytes_le(&one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_as_they_are_wanted() {
        let mut look = || Ok(());
        let wanted = Wanted {
            bits: 96,
            top: 2,
            step: BigUint::from(24_u32),
            rest: BigUint::from(23_u32),
            safe: true,
            accept: &|_| true,
        };
        let found = prime(&wanted, &mut look).unwrap();
        assert_eq!(found.bits(), 96);
        assert_eq!(residue(&found, 24), 23);
        assert!(is_prime(&found, 20, &mut look).unwrap() && is_prime(&(&found >> 1_usize), 20, &mut look).unwrap());
        let (base, exponent) = (BigUint::from(3_u32), random(3000).unwrap());
        let modulus = set(random(2500).unwrap(), &BigUint::one());
        assert_eq!(
            power(&base, &exponent, &modulus, &mut look).unwrap(),
            base.modpow(&exponent, &modulus)
        );
    }

    #[test]
    fn a_search_can_be_stopped() {
        let mut left = 50;
        let mut look = || {
            left -= 1;
            if left == 0 { Err(Stopped) } else { Ok(()) }
        };
        let wanted = Wanted {
            bits: 64,
            top: 1,
            step: BigUint::from(4_u32),
            rest: BigUint::zero(),
            safe: false,
            accept: &|_| true,
        };
        assert!(prime(&wanted, &mut look).is_err());
    }
}
