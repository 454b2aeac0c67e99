//! As much of DER (X.690) as keys are written with.

use num_bigint_dig::BigUint;

/// `dhKeyAgreement` of PKCS #3.
const DH: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01];

/// A value with its tag and length.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = vec![tag];
    if length < 0x80 {
        bytes.push(u8::try_from(length).unwrap_or(0));
    } else {
        let big = length.to_be_bytes();
        let used: Vec<u8> = big.iter().copied().skip_while(|byte| *byte == 0).collect();
        bytes.push(0x80 | u8::try_from(used.len()).unwrap_or(0));
        bytes.extend(used);
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// An INTEGER that is not negative.
pub(super) fn integer(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let sign: &[u8] = if bytes.first().is_some_and(|first| *first >= 0x80) {
        &[0]
    } else {
        &[]
    };
    element(0x02, &[sign, &bytes])
}

/// A private key of Diffie and Hellman as PKCS#8.
pub(super) fn dh_private(prime: &BigUint, generator: &BigUint, key: &BigUint) -> Vec<u8> {
    let parameters = element(0x30, &[&integer(prime), &integer(generator)]);
    let algorithm = element(0x30, &[DH, &parameters]);
    element(
        0x30,
        &[
            &integer(&BigUint::default()),
            &algorithm,
            &element(0x04, &[&integer(key)]),
        ],
    )
}

/// The first element of a SEQUENCE, whole.
pub(super) fn first_of_sequence(der: &[u8]) -> Option<&[u8]> {
    let (0x30, head, _) = lengths(der)? else { return None };
    let rest = der.get(head..)?;
    let (_, head, length) = lengths(rest)?;
    rest.get(..head.checked_add(length)?)
}

/// A tag, the length of what is before the value, and the value's.
fn lengths(der: &[u8]) -> Option<(u8, usize, usize)> {
    let [tag, first, rest @ ..] = der else { return None };
    if *first < 0x80 {
        return Some((*tag, 2, usize::from(*first)));
    }
    let count = usize::from(first & 0x7f);
    let bytes = rest.get(..count).filter(|_| count <= 4)?;
    let length = bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
    Some((*tag, 2 + count, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_signs_are_written() {
        assert_eq!(integer(&BigUint::from(0x80_u32)), [2, 2, 0, 0x80]);
        assert_eq!(integer(&BigUint::default()), [2, 1, 0]);
        let long = element(0x04, &[&[7; 300]]);
        assert_eq!(&long[..5], [0x04, 0x82, 0x01, 0x2c, 7]);
        let sequence = element(0x30, &[&long, &[5, 0]]);
        assert_eq!(first_of_sequence(&sequence), Some(&long[..]));
        assert_eq!(first_of_sequence(&sequence[..100]), None);
    }
}
