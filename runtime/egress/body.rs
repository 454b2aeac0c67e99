//! Bodies between our streams, which belong to a thread, and the client's, which may not.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::{HeaderMap, HeaderName, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::content_encoding::ContentEncoding;
use workerd_lite_ops::pump::{Pumped, pump};
use workerd_lite_ops::trailers::{TooLarge, Trailers};
use workerd_lite_ops::{Body, BodyError};

use super::Timeouts;
use super::error::reason;
use super::places::Busy;
use crate::limits::{Progress, Unread};

/// A request's body for the client. A stream is pumped through a bounded channel, which is its backpressure; when the
/// client drops its end the pump stops and the source learns of it.
pub(super) fn request_body(body: Body, head: &HeaderMap, progress: Progress) -> RequestBody {
    match body {
        Body::Empty => Bytes::new().into(),
        Body::Full(bytes) => bytes.into(),
        Body::Stream(_) => {
            let length = body.length();
            let trailers = body
                .trailers()
                .map(|trailers| Box::new((trailers, head.keys().cloned().collect())));
            let chunks = pump(body.into_stream(), move || progress.tick());
            RequestBody::Channel {
                chunks,
                length,
                trailers,
            }
        }
    }
}

/// A request's body, as the client sends it.
pub(super) enum RequestBody {
    /// All of it is here.
    Whole(Option<Bytes>),
    /// It comes from a stream of our thread.
    Channel {
        chunks: Pumped,
        length: Option<u64>,
        /// What follows it, and the names of the head's fields.
        trailers: Option<Box<(Trailers, Vec<HeaderName>)>>,
    },
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

impl RequestBody {
    /// The same body, where it is here whole.
    pub(super) fn try_clone(&self) -> Option<Self> {
        match self {
            Self::Whole(bytes) => Some(Self::Whole(bytes.clone())),
            Self::Channel { .. } => None,
        }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Channel { chunks, trailers, .. } => {
                let chunk = ready!(chunks.poll_next(cx));
                let last = || {
                    let (trailers, head) = *trailers.take()?;
                    Some(Ok(Frame::trailers(trailers.beside(&head)?)))
                };
                Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)).or_else(last))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Channel { length, .. } => length.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// What a response's body comes by.
pub(super) struct Coming {
    pub(super) body: Incoming,
    /// Tells that the connection is used.
    #[expect(dead_code, reason = "it is there to be dropped")]
    pub(super) busy: Option<Arc<Busy>>,
    pub(super) version: Version,
}

impl Coming {
    /// The next frame. hyper takes a stream of HTTP/2 that was reset by `NO_ERROR` for one that has ended; it has only where the
    /// upstream had said so before (RFC 9113, section 8.1).
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, String>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let is_cut = frame.is_none() && self.version == Version::HTTP_2 && !self.body.is_end_stream();
        Poll::Ready(if is_cut {
            Some(Err("the stream was reset before its end".into()))
        } else {
            frame.map(|frame| frame.map_err(|error| reason(&error)))
        })
    }
}

/// A response's body. A piece that does not come in time ends it, and so does a piece
/// that nobody wants in time: the connection is for others then.
pub(super) fn response_body(
    coming: Coming,
    (coding, trailers): (Option<ContentEncoding>, Trailers),
    timeouts: Timeouts,
) -> Body {
    if coming.body.is_end_stream() {
        return Body::Empty;
    }
    let length = coming.body.size_hint().exact();
    let kept = Unread::new(coming, timeouts.unread);
    let come = trailers.clone();
    let chunks = stream::try_unfold((kept, come), move |(kept, come)| async move {
        loop {
            let frame = poll_fn(|cx| kept.poll_with(cx, Coming::poll_frame));
            let frame = tokio::time::timeout(timeouts.idle, frame)
                .await
                .map_err(|_| BodyError::Idle)?
                .ok_or(BodyError::Unread)?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => {
                    tracing::debug!(target: "egress", "a response's body ended early: {error}");
                    return Err(BodyError::Cut);
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Ok(Some((data, (kept, come)))),
                    Err(frame) => {
                        let fields = frame.into_trailers().unwrap_or_default();
                        come.come(fields).map_err(|TooLarge| BodyError::Cut)?;
                    }
                },
            }
        }
    });
    Body::Stream(StreamBody {
        stream: chunks.boxed_local(),
        length,
        coding,
        trailers: Some(trailers),
    })
}
