//! How many resizable buffers serialised bytes may make, before they make any: each takes mappings, of which a process has only so many.

/// How many one value may have.
pub(crate) const MOST: usize = 4096;

/// The tag of a resizable buffer in V8's format.
const TAG: u8 = b'~';

/// The header of the version of the format that is read here; what another one holds is not.
const HEADER: [u8; 2] = [0xff, 0x0f];

/// How many there are at most. All bytes that may be such a tag count, but for those in texts and buffers, which are passed over up to
/// the first value of a kind that is not known here.
pub(crate) fn at_most(bytes: &[u8]) -> usize {
    let count = |bytes: &[u8]| memchr::memchr_iter(TAG, bytes).count();
    let all = count(bytes);
    let Some(mut rest) = bytes.strip_prefix(&HEADER).filter(|_| all > MOST) else {
        return all;
    };
    let mut found = 0;
    while let Some((&tag, behind)) = rest.split_first() {
        found += usize::from(tag == TAG);
        let Some(next) = passed(tag, behind) else {
            return found + count(behind);
        };
        rest = next;
    }
    found
}

/// What follows the token of a tag. Nothing where it is not known, or not whole.
fn passed(tag: u8, rest: &[u8]) -> Option<&[u8]> {
    match tag {
        // Padding, undefined, null, true, false, a hole, and the beginnings of objects, maps and sets.
        0 | b'_' | b'0' | b'T' | b'F' | b'-' | b'y' | b'x' | b'o' | b';' | b'\'' | b's' => Some(rest),
        // Numbers, references, lengths and the ends of objects, maps and sets.
        b'I' | b'U' | b'^' | b'{' | b':' | b',' | b'?' | b'A' | b'a' | b't' => after_number(rest),
        b'$' | b'@' => after_number(after_number(rest)?),
        b'N' | b'D' | b'n' => rest.get(8..),
        b'"' | b'c' | b'S' | b'B' => after_bytes(rest),
        TAG => {
            let (length, rest) = number(rest)?;
            after_number(rest)?.get(usize::try_from(length).ok()?..)
        }
        // A view: its kind, offset, length and flags, each of which may be written in more bytes than it needs.
        b'V' => after_number(after_number(after_number(after_number(rest)?)?)?),
        _ => None,
    }
}

fn number(mut rest: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        rest = behind;
        if byte & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

fn after_number(rest: &[u8]) -> Option<&[u8]> {
    Some(number(rest)?.1)
}

fn after_bytes(rest: &[u8]) -> Option<&[u8]> {
    let (length, rest) = number(rest)?;
    rest.get(usize::try_from(length).ok()?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_texts_and_buffers_hold_does_not_count() {
        let plain = b"~".repeat(2 * MOST);
        // 8,192 as V8 writes it.
        let length = [0x80, 0x40];
        assert_eq!(plain.len(), 8192);
        for tag in [b'"', b'B'] {
            let value = [&HEADER[..], b"o\"\x01a", &[tag], &length, &plain, b"\"\x01bT{\x02"].concat();
            assert_eq!(at_most(&value), 0);
            // In a version that is not known.
            assert_eq!(at_most(&[&[0xff, 0x0e], &value[2..]].concat()), 2 * MOST);
            // Behind what is not known.
            assert_eq!(at_most(&[&HEADER[..], b"r", &value[2..]].concat()), 2 * MOST);
        }
        let one = b"~\x01\x80\x80\x01\x07";
        let many = [&HEADER[..], b"A\x80\x60", &one.repeat(3 * MOST)].concat();
        assert_eq!(at_most(&many), 3 * MOST);
        assert_eq!(at_most(&[&HEADER[..], one].concat()), 1);
    }

    #[test]
    fn numbers_in_more_bytes_than_they_need_hide_none() {
        let one = b"~\x01\x80\x80\x01\x07";
        for kind in [&b"B"[..], b"\xc2\x00", b"\xc2\x80\x80\x00"] {
            let view = [one, &b"V"[..], kind, b"\x00\x01\x42"].concat();
            let group = [view, one.repeat(21), vec![0]].concat();
            let many = [&HEADER[..], b"A\x80\x60", &group.repeat(MOST)].concat();
            assert_eq!(at_most(&many), 22 * MOST, "{kind:?}");
        }
    }
}
