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

/// A value that is at the start of what is left, with its tag, which is taken off.
pub(super) fn take<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, head, length) = lengths(rest)?;
    let value = rest.get(head..head.checked_add(length)?)?;
    *rest = rest.get(head + length..)?;
    Some((tag, value))
}

/// The same of one tag.
pub(super) fn expect<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    take(rest).filter(|(found, _)| *found == tag).map(|(_, value)| value)
}

/// An INTEGER of at most 32 bits that is not negative.
pub(super) fn small(rest: &mut &[u8]) -> Option<u32> {
    let bytes = expect(rest, 0x02)?;
    let used: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    let negative = bytes.first().is_none_or(|first| *first >= 0x80);
    (!negative && used.len() <= 4).then(|| used.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
}

/// What OpenSSL says first of bytes that are not the SEQUENCE that was expected. Nothing where their header is well.
pub(super) fn fault(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    match lengths(bytes) {
        None => Some((
            "ERR_OSSL_ASN1_HEADER_TOO_LONG",
            "error:0680007B:asn1 encoding routines::header too long",
        )),
        Some((_, head, length)) if length > bytes.len() - head.min(bytes.len()) => Some((
            "ERR_OSSL_ASN1_TOO_LONG",
            "error:0680009B:asn1 encoding routines::too long",
        )),
        Some((tag, ..)) if tag != 0x30 => Some((
            "ERR_OSSL_ASN1_WRONG_TAG",
            "error:068000A8:asn1 encoding routines::wrong tag",
        )),
        Some(_) => None,
    }
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
        let mut rest = &long[..];
        assert_eq!(expect(&mut rest, 0x04).map(<[u8]>::len), Some(300));
        assert!(rest.is_empty());
        assert_eq!(take(&mut &long[..100]), None);
        assert_eq!(small(&mut &[2, 3, 0, 0x80, 1][..]), Some(0x8001));
        assert_eq!(small(&mut &[2, 1, 0x80][..]), None);
        assert_eq!(
            fault(&[0x30, 0x84, 1]).map(|(code, _)| code),
            Some("ERR_OSSL_ASN1_HEADER_TOO_LONG")
        );
        assert_eq!(fault(&[0x30, 0]), None);
    }
}
