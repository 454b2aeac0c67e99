//! Bodies on a link.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures_util::StreamExt as _;
use http::HeaderMap;
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::{Body, BodyError, ByteStream};

use super::heads::Described;
use super::link::{Incoming, Outgoing};

/// Sends what has room at once. What is left is sent by [`send`].
pub(super) fn begin(body: Body, outgoing: Outgoing) -> Option<(ByteStream, Outgoing)> {
    match body {
        Body::Full(bytes) if bytes.len() <= outgoing.room() => {
            outgoing.push(&bytes, true);
            None
        }
        body => Some((body.into_stream(), outgoing)),
    }
}

/// Sends a body as it comes and there is room, until it ends or nobody wants it.
pub(super) async fn send((mut body, outgoing): (ByteStream, Outgoing)) {
    let sent = async {
        while let Some(bytes) = body.next().await {
            // Dropped before its end, the other end knows that this is not all.
            let Ok(bytes) = bytes else { return false };
            if outgoing.send(bytes).await.is_err() {
                return false;
            }
        }
        true
    };
    let whole = {
        let (mut sent, mut stopped) = (pin!(sent), pin!(outgoing.stopped()));
        poll_fn(|cx| match sent.as_mut().poll(cx) {
            Poll::Pending => stopped.as_mut().poll(cx).map(|()| false),
            ready @ Poll::Ready(_) => ready,
        })
        .await
    };
    if whole {
        outgoing.end();
    }
}

/// A body that comes.
pub(super) fn received(incoming: Incoming, described: Described, headers: &HeaderMap) -> Body {
    let length = described.length;
    let coding = described.coding(headers);
    if let Some(here) = incoming.ended_with() {
        if here == 0 && length.is_none_or(|length| length == 0) {
            return Body::Empty;
        }
        if coding.is_none()
            && length == Some(here as u64)
            && let Some(bytes) = incoming.whole()
        {
            return Body::Full(bytes);
        }
    }
    let stream = futures_util::stream::poll_fn(move |cx| {
        incoming
            .poll_bytes(cx)
            .map(|bytes| bytes.map(|bytes| bytes.map_err(|_| BodyError::Cut)))
    });
    Body::Stream(StreamBody {
        stream: stream.fuse().boxed_local(),
        length,
        coding,
        trailers: None,
    })
}
