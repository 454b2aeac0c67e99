//! The few structures of DER that public keys and signatures are put into.

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => out.push(length),
        _ => {
            let length = content.len().to_be_bytes();
            let zeros = length.iter().take_while(|byte| **byte == 0).count();
            out.push(0x80 | u8::try_from(length.len() - zeros).unwrap_or(8));
            out.extend_from_slice(&length[zeros..]);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A number that is not negative, of big-endian bytes.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut content = bytes[zeros..].to_vec();
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    element(INTEGER, &content)
}

/// Two numbers: an RSA public key (RFC 8017), or an ECDSA signature (RFC 3279).
pub(super) fn pair(first: &[u8], second: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[integer(first), integer(second)].concat())
}

/// What is in an OCTET STRING of fewer than 256 bytes; the bytes themselves where they are none.
pub(super) fn within_octets(bytes: &[u8]) -> &[u8] {
    match bytes {
        [OCTET_STRING, length, rest @ ..] | [OCTET_STRING, 0x81, length, rest @ ..]
            if usize::from(*length) == rest.len() =>
        {
            rest
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shortest_and_not_negative() {
        assert_eq!(pair(&[0, 0x80], &[1]), [0x30, 7, 2, 2, 0, 0x80, 2, 1, 1]);
        assert_eq!(pair(&[0], &[]), [0x30, 6, 2, 1, 0, 2, 1, 0]);
        let long = pair(&[0x7f; 300], &[3]);
        assert_eq!(long[..8], [0x30, 0x82, 1, 0x33, 2, 0x82, 1, 0x2c]);
    }

    #[test]
    fn octets_are_taken_out() {
        assert_eq!(within_octets(&[4, 2, 7, 8]), [7, 8]);
        assert_eq!(within_octets(&[4, 1, 7, 8]), [4, 1, 7, 8]);
    }
}
