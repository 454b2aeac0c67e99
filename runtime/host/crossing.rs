//! Requests and responses on their way to another thread and back.

use bytes::Bytes;
use deno_core::url::Url;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::{HeaderMap, Method, StatusCode};
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::coding::Coding;
use workerd_lite_ops::pump::{Pumped, pump};
use workerd_lite_ops::{Body, Request, Response};

/// A request that may change its thread.
pub(super) struct Crossing {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Moving,
}

/// A response that may.
pub(super) struct Crossed {
    status: StatusCode,
    reason: Option<String>,
    headers: HeaderMap,
    body: Moving,
}

enum Moving {
    Empty,
    Full(Bytes),
    Stream {
        chunks: Pumped,
        length: Option<u64>,
        coding: Option<Coding>,
    },
}

impl From<Body> for Moving {
    fn from(body: Body) -> Self {
        match body {
            Body::Empty => Self::Empty,
            Body::Full(bytes) => Self::Full(bytes),
            Body::Stream(StreamBody { stream, length, coding }) => Self::Stream {
                chunks: pump(stream, || {}),
                length,
                coding,
            },
        }
    }
}

impl From<Moving> for Body {
    fn from(body: Moving) -> Self {
        match body {
            Moving::Empty => Self::Empty,
            Moving::Full(bytes) => Self::Full(bytes),
            Moving::Stream {
                mut chunks,
                length,
                coding,
            } => Self::Stream(StreamBody {
                stream: stream::poll_fn(move |cx| chunks.poll_next(cx)).boxed_local(),
                length,
                coding,
            }),
        }
    }
}

impl From<Request> for Crossing {
    fn from(request: Request) -> Self {
        Self {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body.into(),
        }
    }
}

impl From<Crossing> for Request {
    fn from(request: Crossing) -> Self {
        Self {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body.into(),
        }
    }
}

impl From<Response> for Crossed {
    fn from(response: Response) -> Self {
        Self {
            status: response.status,
            reason: response.reason,
            headers: response.headers,
            body: response.body.into(),
        }
    }
}

impl From<Crossed> for Response {
    fn from(response: Crossed) -> Self {
        Self {
            status: response.status,
            reason: response.reason,
            headers: response.headers,
            body: response.body.into(),
        }
    }
}
