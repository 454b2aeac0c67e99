//! Messages that are compressed (permessage-deflate, RFC 7692). No context is taken over from one message to the next, so that a
//! connection keeps none: each thread has one of each kind, whatever the number of its connections.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::message::Violation;

/// What a sender leaves out at the end, and a receiver puts back (sections 7.2.1 and 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Messages with fewer bytes are sent as they are.
pub(super) const WORTH: usize = 64;

/// Bytes that are inflated at once.
const PIECE: usize = 16 << 10;

thread_local! {
    static INFLATER: RefCell<Option<Decompress>> = const { RefCell::new(None) };
    static DEFLATER: RefCell<Option<Compress>> = const { RefCell::new(None) };
}

/// A message of at most so many bytes: what would be more is inflated no further.
pub(super) fn inflate(bytes: &[u8], most: usize) -> Result<Vec<u8>, Violation> {
    INFLATER.with_borrow_mut(|inflater| {
        let inflater = inflater.get_or_insert_with(|| Decompress::new(false));
        inflater.reset(false);
        let mut out = Vec::new();
        for input in [bytes, &TAIL] {
            inflate_piece(inflater, input, &mut out, most)?;
        }
        // It may wait for its reader: what is counted is its length.
        out.shrink_to_fit();
        Ok(out)
    })
}

fn inflate_piece(inflater: &mut Decompress, mut input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<(), Violation> {
    let wrong = Violation::Protocol("a message is not what deflate makes");
    loop {
        let (read, written) = (inflater.total_in(), out.len());
        let room = most.saturating_sub(written).saturating_add(1).min(PIECE);
        out.reserve(room);
        let status = inflater.decompress_vec(input, out, FlushDecompress::Sync);
        let status = status.map_err(|_| wrong)?;
        if out.len() > most {
            return Err(Violation::TooLong(most));
        }
        let read = usize::try_from(inflater.total_in() - read).unwrap_or(usize::MAX);
        input = input.get(read..).unwrap_or_default();
        let stands = read == 0 && out.len() == written;
        match status {
            // A block that says it is the last: another may follow it (section 7.2.3.5), and none has to.
            Status::StreamEnd if input.is_empty() => {
                inflater.reset(false);
                return Ok(());
            }
            Status::StreamEnd => inflater.reset(false),
            _ if input.is_empty() && (stands || out.len() < out.capacity()) => return Ok(()),
            _ if stands => return Err(wrong),
            _ => {}
        }
    }
}

/// The same bytes, compressed; nothing where that makes them no shorter.
pub(super) fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    DEFLATER.with_borrow_mut(|deflater| {
        let deflater = deflater.get_or_insert_with(|| Compress::new(Compression::fast(), false));
        deflater.reset();
        let mut out = Vec::with_capacity(bytes.len() + TAIL.len());
        deflater.compress_vec(bytes, &mut out, FlushCompress::Sync).ok()?;
        let whole = deflater.total_in() == bytes.len() as u64 && out.ends_with(&TAIL);
        out.truncate(out.len().saturating_sub(TAIL.len()));
        (whole && out.len() < bytes.len()).then_some(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deflated_is_the_same_inflated() {
        for bytes in [
            vec![b'x'; 100],
            vec![0; 1 << 20],
            (0..200_000_u32).flat_map(|i| (i / 7).to_be_bytes()).collect(),
        ] {
            let deflated = deflate(&bytes).unwrap();
            assert!(deflated.len() < bytes.len());
            assert_eq!(inflate(&deflated, bytes.len()).unwrap(), bytes);
            assert_eq!(
                inflate(&deflated, bytes.len() - 1),
                Err(Violation::TooLong(bytes.len() - 1))
            );
        }
        let mut random = vec![0; 1000];
        getrandom::fill(&mut random).unwrap();
        assert_eq!(deflate(&random), None);
    }

    #[test]
    fn the_examples_of_the_standard() {
        // RFC 7692, section 7.2.3: one block, no compression, a block that is the last, and two blocks.
        for hello in [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[
                0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
            ],
        ] {
            assert_eq!(inflate(hello, 5).as_deref(), Ok(&b"Hello"[..]), "{hello:x?}");
        }
        assert_eq!(inflate(&[0], 5).as_deref(), Ok(&b""[..]));
        for wrong in [&[0xff, 0xff, 0xff][..], &[0x07], b"plain text"] {
            assert!(inflate(wrong, 1000).is_err(), "{wrong:x?}");
        }
    }

    #[test]
    fn a_bomb_is_inflated_no_further_than_a_message_may_be() {
        let bomb = deflate(&vec![0; 64 << 20]).unwrap();
        assert!(bomb.len() < 1 << 20);
        assert_eq!(inflate(&bomb, 1 << 20), Err(Violation::TooLong(1 << 20)));
    }
}
