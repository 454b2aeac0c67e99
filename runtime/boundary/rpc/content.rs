//! The bytes of a message: a few are in its head, so that calls are in the order of their heads; more follow it.

use bytes::{BufMut as _, Bytes, BytesMut};
use workerd_lite_ops::rpc::MESSAGE;

use crate::boundary::cursor::{Cursor, put};
use crate::boundary::link::{Gone, Incoming, LinkError};

/// The most bytes that are in a head.
const INLINE: usize = 32 << 10;

const NONE: u8 = 0;
const HERE: u8 = 1;
const FOLLOWS: u8 = 2;

/// What a head says of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// There are none: the value of a property is asked for.
    None,
    /// All of them.
    Here(Bytes),
    /// So many follow.
    Follows(usize),
}

/// Whether bytes follow their head.
pub(super) fn follows(bytes: Option<&Bytes>) -> bool {
    bytes.is_some_and(|bytes| bytes.len() > INLINE)
}

pub(super) fn write(out: &mut BytesMut, bytes: Option<&Bytes>) {
    match bytes {
        None => out.put_u8(NONE),
        Some(bytes) if bytes.len() > INLINE => {
            out.put_u8(FOLLOWS);
            out.put_u32_le(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        }
        Some(bytes) => {
            out.put_u8(HERE);
            put(out, bytes);
        }
    }
}

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Content, LinkError> {
    match cursor.byte()? {
        NONE => Ok(Content::None),
        HERE => match cursor.bytes()? {
            here if here.len() <= INLINE => Ok(Content::Here(Bytes::copy_from_slice(here))),
            _ => Err(LinkError::Head("it has more bytes than a head may")),
        },
        FOLLOWS => {
            let length = cursor.u32()? as usize;
            if length > MESSAGE {
                return Err(LinkError::Head("it is larger than a message may be"));
            }
            Ok(Content::Follows(length))
        }
        _ => Err(LinkError::Head("its bytes are nowhere")),
    }
}

/// All bytes of a message, which has so many.
pub(crate) async fn collect(incoming: &Incoming, length: usize) -> Result<Bytes, Gone> {
    let mut all = BytesMut::new();
    while all.len() < length {
        match std::future::poll_fn(|cx| incoming.poll_bytes(cx)).await {
            Some(bytes) => all.extend_from_slice(&bytes?),
            None => return Err(Gone),
        }
    }
    if all.len() == length {
        Ok(all.freeze())
    } else {
        Err(Gone)
    }
}
