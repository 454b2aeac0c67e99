//! Bodies between `http` types and a worker.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::{Body, BodyError, ByteStream};

/// A client's request body of at most so many bytes. Nothing where it says that it is longer; one that says nothing and is
/// fails once it is.
pub(super) fn incoming<B: http_body::Body<Data = Bytes> + Unpin + 'static>(
    body: B,
    limit: Option<u64>,
) -> Option<Body> {
    if body.is_end_stream() {
        return Some(Body::Empty);
    }
    let length = body.size_hint().exact();
    if limit.is_some_and(|limit| body.size_hint().lower() > limit) {
        return None;
    }
    let chunks = stream::try_unfold(body, |mut body| async move {
        loop {
            match body.frame().await {
                None => return Ok(None),
                Some(Err(_)) => return Err(BodyError::Cut),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some((data, body)));
                    }
                }
            }
        }
    });
    Some(limited(Body::stream(chunks.boxed_local(), length), limit))
}

/// A worker's body as `http` types have it, with its length where that is known.
pub(super) struct Outgoing {
    stream: ByteStream,
    length: Option<u64>,
}

impl From<Body> for Outgoing {
    fn from(body: Body) -> Self {
        Self {
            length: body.length(),
            stream: body.into_stream(),
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.stream.poll_next_unpin(cx).map_ok(Frame::data)
    }

    fn is_end_stream(&self) -> bool {
        self.length == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The body, which fails once it is longer than it may be.
pub(super) fn limited(body: Body, limit: Option<u64>) -> Body {
    let Some(limit) = limit else { return body };
    body.map_stream(|stream| {
        let mut passed = 0_u64;
        stream
            .map(move |chunk| {
                let chunk = chunk?;
                passed += chunk.len() as u64;
                if passed > limit {
                    return Err(BodyError::TooLarge(limit));
                }
                Ok(chunk)
            })
            .boxed_local()
    })
}

/// A worker's response body. It belongs to the thread of its instance, and what it takes to give it is put down to its agent.
pub struct ResponseBody {
    state: State,
    account: Option<Arc<Account>>,
}

enum State {
    Full(Option<Bytes>),
    Stream(ByteStream, Option<u64>),
}

impl ResponseBody {
    pub(super) fn new(body: Body, account: Option<Arc<Account>>) -> Self {
        let length = body.length();
        let state = match body {
            Body::Empty => State::Full(None),
            Body::Full(bytes) => State::Full(Some(bytes)),
            Body::Stream(_) => State::Stream(body.into_stream(), length),
        };
        Self { state, account }
    }

    /// Whether it comes piece by piece.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.state, State::Stream(..))
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { state, account } = &mut *self;
        match state {
            State::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            State::Stream(stream, _) => {
                let mut next = || stream.as_mut().poll_next(cx);
                let polled = match account {
                    Some(account) => account.charged(next),
                    None => next(),
                };
                polled.map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Full(None) => SizeHint::with_exact(0),
            State::Full(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            State::Stream(_, length) => length.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
