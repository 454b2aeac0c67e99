//! What passes over a call that has more to say than bytes and their end: pieces, with a head of five bytes before each.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::link::LinkError;

/// Bytes of a piece at most, and of a text.
const PIECE: usize = 32 << 10;
const TEXT: usize = 4 << 10;

/// What a piece is. Others have kinds of their own behind these.
pub(super) const BYTES: u8 = 0;
/// It broke, and why.
pub(super) const FAILS: u8 = 1;

/// Bytes before what a piece carries.
const HEAD: usize = 5;

/// One piece.
pub(super) fn piece(kind: u8, carries: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(HEAD + carries.len());
    out.put_u8(kind);
    out.put_u32_le(u32::try_from(carries.len()).unwrap_or(u32::MAX));
    out.put_slice(carries);
    out.freeze()
}

/// One of a text, of which no more is said than may be.
pub(super) fn text(kind: u8, text: &str) -> Bytes {
    piece(kind, &text.as_bytes()[..text.floor_char_boundary(TEXT)])
}

/// The pieces of these bytes.
pub(super) fn parts(bytes: &[u8]) -> impl Iterator<Item = Bytes> {
    bytes.chunks(PIECE).map(|part| piece(BYTES, part))
}

/// The first piece, where it has come whole.
pub(super) fn next(came: &mut BytesMut) -> Result<Option<(u8, Bytes)>, LinkError> {
    let Some([kind, length @ ..]) = came.first_chunk::<HEAD>() else {
        return Ok(None);
    };
    let (kind, length) = (*kind, u32::from_le_bytes(*length) as usize);
    if length > if kind == BYTES { PIECE } else { TEXT } {
        return Err(LinkError::Head("a piece is longer than one may be"));
    }
    if came.len() < HEAD + length {
        return Ok(None);
    }
    came.advance(HEAD);
    Ok(Some((kind, came.split_to(length).freeze())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_as_they_were_written_and_only_whole() {
        let whole = piece(BYTES, b"bytes");
        for cut in 0..whole.len() {
            assert!(next(&mut BytesMut::from(&whole[..cut])).unwrap().is_none());
        }
        let mut two = BytesMut::from(&[&whole[..], &piece(9, &[])[..]].concat()[..]);
        assert_eq!(next(&mut two).unwrap(), Some((BYTES, Bytes::from_static(b"bytes"))));
        assert_eq!(next(&mut two).unwrap(), Some((9, Bytes::new())));
        assert!(two.is_empty());
        let mut long = BytesMut::from(&[FAILS, 0, 0, 1, 0][..]);
        assert!(next(&mut long).is_err(), "too long is known by its beginning");
    }
}
