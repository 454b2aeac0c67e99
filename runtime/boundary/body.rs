//! Bodies on a link.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::BytesMut;
use futures_util::StreamExt as _;
use http::HeaderMap;
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::trailers::{LARGEST, Trailers};
use workerd_lite_ops::{Body, BodyError, ByteStream};

use super::cursor::{Cursor, put_fields};
use super::heads::Described;
use super::link::{HALF, Incoming, Outgoing};

/// What is left of a body that is sent.
pub(super) struct Rest {
    stream: ByteStream,
    /// What follows it.
    trailers: Option<Trailers>,
    outgoing: Outgoing,
}

/// Sends what has room at once. What is left is sent by [`send`].
pub(super) fn begin(body: Body, outgoing: Outgoing) -> Option<Rest> {
    match body {
        Body::Full(bytes) if bytes.len() <= outgoing.room() => {
            outgoing.push(&bytes, true);
            None
        }
        body => Some(Rest {
            trailers: body.trailers(),
            stream: body.into_stream(),
            outgoing,
        }),
    }
}

/// Sends a body as it comes and there is room, until it ends or nobody wants it.
pub(super) async fn send(rest: Rest) {
    let Rest {
        mut stream,
        trailers,
        outgoing,
    } = rest;
    let sent = async {
        loop {
            // What can not be sent yet waits where it comes from.
            if poll_fn(|cx| outgoing.poll_room_for(HALF, cx)).await.is_err() {
                return false;
            }
            let Some(bytes) = stream.next().await else {
                return true;
            };
            // Dropped before its end, the other end knows that this is not all.
            let Ok(bytes) = bytes else { return false };
            if outgoing.send(bytes).await.is_err() {
                return false;
            }
        }
    };
    let whole = {
        let (mut sent, mut stopped) = (pin!(sent), pin!(outgoing.stopped()));
        poll_fn(|cx| match sent.as_mut().poll(cx) {
            Poll::Pending => stopped.as_mut().poll(cx).map(|()| false),
            ready @ Poll::Ready(_) => ready,
        })
        .await
    };
    if !whole {
        return;
    }
    match trailers.as_ref().and_then(Trailers::get) {
        Some(fields) => {
            let mut out = BytesMut::new();
            put_fields(&mut out, fields);
            outgoing.end_with(&out).await;
        }
        None => outgoing.end(),
    }
}

/// A body that comes.
pub(super) fn received(incoming: Incoming, described: Described, headers: &HeaderMap) -> Body {
    let length = described.length;
    let coding = described.coding(headers);
    let trailers = described.trailers;
    if let (Some(here), None) = (incoming.ended_with(), &trailers) {
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
    let coming = trailers.clone();
    let stream = futures_util::stream::poll_fn(move |cx| {
        incoming.poll_bytes(cx).map(|bytes| match bytes {
            Some(bytes) => Some(bytes.map_err(|_| BodyError::Cut)),
            None => come(&incoming, coming.as_ref()).err().map(Err),
        })
    });
    Body::Stream(StreamBody {
        stream: stream.fuse().boxed_local(),
        length,
        coding,
        trailers,
    })
}

/// What follows a body has come, if anything does. It is read anew, as that of a connection.
fn come(incoming: &Incoming, trailers: Option<&Trailers>) -> Result<(), BodyError> {
    let (Some(bytes), Some(trailers)) = (incoming.trailers(), trailers) else {
        return Ok(());
    };
    let fields = Cursor::new(&bytes).fields(LARGEST).map_err(|_| BodyError::Cut)?;
    trailers.come(fields).map_err(|_| BodyError::Cut)
}
