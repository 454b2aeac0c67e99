//! Request bodies that are read whole before they are sent, because a credential signs them or may have to send them again.

use bytes::BytesMut;
use futures_util::StreamExt as _;
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::{Body, BodyError};

/// The longest body that is read whole, in bytes. Longer ones, and those of unknown length, are streamed.
const LONGEST: u64 = 16 << 20;

/// What the bodies of one agent that are read whole may hold on one thread, in bytes.
const MOST: usize = 64 << 20;

/// Counts what is held for one agent.
pub(super) fn budget() -> ExternalMemory {
    ExternalMemory::new(MOST)
}

/// Reads a body whole where its length is known and not too much. Fails where it is not as long as that, and where the
/// agent's bodies hold too much already.
pub(super) async fn whole(body: Body, budget: &ExternalMemory) -> Result<Body, BodyError> {
    let (mut stream, length) = match body {
        Body::Stream(StreamBody {
            stream,
            length: Some(length),
            ..
        }) if length <= LONGEST => (stream, length),
        other => return Ok(other),
    };
    let mut reservation = budget.reserve(0)?;
    let mut read = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        reservation.grow(chunk.len())?;
        read.extend_from_slice(&chunk);
        if read.len() as u64 > length {
            return Err(BodyError::TooLarge(length));
        }
    }
    if (read.len() as u64) < length {
        return Err(BodyError::Cut);
    }
    Ok(Body::Full(reservation.hold(read.freeze())))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;

    use super::*;

    fn read(chunks: &[&'static str], length: Option<u64>, budget: &ExternalMemory) -> Result<Body, BodyError> {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))
            .collect();
        let body = Body::stream(stream::iter(chunks).boxed_local(), length);
        futures_util::FutureExt::now_or_never(whole(body, budget)).unwrap()
    }

    #[test]
    fn what_is_known_is_read_and_given_back() {
        let budget = ExternalMemory::new(6);
        let body = read(&["abc", "def"], Some(6), &budget).unwrap();
        assert!(matches!(&body, Body::Full(bytes) if bytes == "abcdef"));
        assert!(matches!(read(&["a"], Some(1), &budget), Err(BodyError::OutOfMemory(_))));
        drop(body);
        assert_eq!(budget.used(), 0);
        assert!(matches!(read(&["a"], None, &budget), Ok(Body::Stream(_))));
        assert!(matches!(read(&["a"], Some(LONGEST + 1), &budget), Ok(Body::Stream(_))));
        assert!(matches!(read(&["a"], Some(2), &budget), Err(BodyError::Cut)));
        assert!(matches!(read(&["abc"], Some(2), &budget), Err(BodyError::TooLarge(2))));
    }
}
