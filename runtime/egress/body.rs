//! Bodies between our streams, which belong to a thread, and the client's, which may not.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::coding::Coding;
use workerd_lite_ops::pump::{Pumped, pump};
use workerd_lite_ops::{Body, BodyError};

use crate::limits::Progress;

/// A request's body for the client. A stream is pumped through a bounded channel, which is its backpressure; when the
/// client drops its end the pump stops and the source learns of it.
pub(super) fn request_body(body: Body, progress: Progress) -> reqwest::Body {
    match body {
        Body::Empty => reqwest::Body::default(),
        Body::Full(bytes) => reqwest::Body::from(bytes),
        Body::Stream(_) => {
            let length = body.length();
            let chunks = pump(body.into_stream(), move || progress.tick());
            reqwest::Body::wrap(Channel { chunks, length })
        }
    }
}

struct Channel {
    chunks: Pumped,
    length: Option<u64>,
}

impl http_body::Body for Channel {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let chunk = std::task::ready!(self.chunks.poll_next(cx));
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A response's body. A piece that does not come within `idle` ends it.
pub(super) fn response_body(body: reqwest::Body, coding: Option<Coding>, idle: Duration) -> Body {
    if body.is_end_stream() {
        return Body::Empty;
    }
    let length = body.size_hint().exact();
    let chunks = stream::try_unfold(body, move |mut body| async move {
        loop {
            let frame = tokio::time::timeout(idle, body.frame())
                .await
                .map_err(|_| BodyError::Idle)?;
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(BodyError::Cut),
                // Trailers have no place in a worker's Response.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some((data, body)));
                    }
                }
            }
        }
    });
    Body::Stream(StreamBody {
        stream: chunks.boxed_local(),
        length,
        coding,
    })
}
