//! Bodies between `http` types and a worker.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method, Version};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::trailers::{TooLarge, Trailers};
use workerd_lite_ops::{Body, BodyError, ByteStream};

/// A client's request body of at most so many bytes, and what will follow it. Nothing where it says that it is longer; one that says nothing and is
/// fails once it is.
pub(super) fn incoming<B: http_body::Body<Data = Bytes> + Unpin + 'static>(
    body: B,
    version: Version,
    trailers: Trailers,
    limit: Option<u64>,
) -> Option<Body> {
    if body.is_end_stream() {
        return Some(Body::Empty);
    }
    let length = body.size_hint().exact();
    if limit.is_some_and(|limit| body.size_hint().lower() > limit) {
        return None;
    }
    let come = trailers.clone();
    let chunks = stream::try_unfold((body, come), move |(mut body, come)| async move {
        loop {
            match body.frame().await {
                // hyper takes a stream of HTTP/2 that its client has reset by `NO_ERROR` for one that has ended.
                None if version == Version::HTTP_2 && !body.is_end_stream() => return Err(BodyError::Cut),
                None => return Ok(None),
                Some(Err(_)) => return Err(BodyError::Cut),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Ok(Some((data, (body, come)))),
                    Err(frame) => {
                        let fields = frame.into_trailers().unwrap_or_default();
                        come.come(fields).map_err(|TooLarge| BodyError::Cut)?;
                    }
                },
            }
        }
    });
    let body = Body::Stream(StreamBody {
        stream: chunks.boxed_local(),
        length,
        coding: None,
        trailers: Some(trailers),
    });
    Some(limited(body, limit))
}

/// The body of a client's request that has no bytes. As on Workers a head with a length announces one; a GET whose length is zero
/// has none, so that what a script makes of its parts is a GET again.
pub(super) fn without_bytes(method: &Method, headers: &HeaderMap) -> Body {
    if headers.contains_key(CONTENT_LENGTH) && method != Method::GET && method != Method::HEAD {
        Body::Full(Bytes::new())
    } else {
        Body::Empty
    }
}

/// A worker's body as `http` types have it, with its length where that is known.
pub(super) struct Outgoing {
    stream: ByteStream,
    length: Option<u64>,
    trailers: Option<Trailers>,
}

impl From<Body> for Outgoing {
    fn from(body: Body) -> Self {
        Self {
            length: body.length(),
            trailers: body.trailers(),
            stream: body.into_stream(),
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let chunk = ready!(self.stream.poll_next_unpin(cx));
        Poll::Ready(
            chunk
                .map(|chunk| chunk.map(Frame::data))
                .or_else(|| last(&mut self.trailers)),
        )
    }

    fn is_end_stream(&self) -> bool {
        self.length == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// What follows a body, as its last frame.
fn last(trailers: &mut Option<Trailers>) -> Option<Result<Frame<Bytes>, BodyError>> {
    let fields = trailers.take()?.get()?.clone();
    Some(Ok(Frame::trailers(fields)))
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
    Stream(ByteStream, Option<u64>, Option<Trailers>),
}

impl ResponseBody {
    pub(super) fn new(body: Body, account: Option<Arc<Account>>) -> Self {
        let length = body.length();
        let state = match body {
            Body::Empty => State::Full(None),
            Body::Full(bytes) => State::Full(Some(bytes)),
            Body::Stream(_) => {
                let trailers = body.trailers();
                State::Stream(body.into_stream(), length, trailers)
            }
        };
        Self { state, account }
    }

    /// What its head says of the trailers that will follow it. Behind a body of a known length none do over HTTP/1.1.
    pub(super) fn announces(&self) -> Option<HeaderValue> {
        match &self.state {
            State::Stream(_, None, Some(trailers)) => trailers.announcement(),
            _ => None,
        }
    }

    /// Whether it comes piece by piece.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.state, State::Stream(..))
    }
}

/// The answer to a HEAD: it says of the body what a GET would have been told, and has none. hyper leaves a body away over HTTP/1 alone.
pub(super) fn head_of(answer: http::Response<ResponseBody>) -> http::Response<ResponseBody> {
    let (mut head, body) = answer.into_parts();
    let length = http_body::Body::size_hint(&body).exact();
    if let Some(length) = length.filter(|length| *length > 0) {
        head.headers.entry(CONTENT_LENGTH).or_insert(length.into());
    }
    http::Response::from_parts(head, ResponseBody::new(Body::Empty, None))
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { state, account } = &mut *self;
        match state {
            State::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            State::Stream(stream, _, trailers) => {
                let mut next = || stream.as_mut().poll_next(cx);
                let polled = match account {
                    Some(account) => account.charged(next),
                    None => next(),
                };
                let chunk = ready!(polled);
                Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)).or_else(|| last(trailers)))
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
            State::Stream(_, length, _) => length.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
