//! Transferable requests and responses: they move to another thread and back.

use std::sync::Arc;

use bytes::Bytes;
use deno_core::url::Url;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::{HeaderMap, Method, StatusCode};
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::content_encoding::ContentEncoding;
use workerd_lite_ops::pump::{Pumped, pump};
use workerd_lite_ops::trailers::Trailers;
use workerd_lite_ops::websocket::SocketEnd;
use workerd_lite_ops::{Body, Request, Response};

/// A request that may move to another thread.
pub(super) struct TransferableRequest {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: TransferableBody,
    cf: Option<Arc<str>>,
}

/// A response that may move to another thread.
pub(super) struct TransferableResponse {
    status: StatusCode,
    reason: Option<String>,
    headers: HeaderMap,
    body: TransferableBody,
    socket: Option<SocketEnd>,
}

enum TransferableBody {
    Empty,
    Full(Bytes),
    Stream {
        chunks: Pumped,
        length: Option<u64>,
        coding: Option<ContentEncoding>,
        trailers: Option<Trailers>,
    },
}

impl From<Body> for TransferableBody {
    fn from(body: Body) -> Self {
        match body {
            Body::Empty => Self::Empty,
            Body::Full(bytes) => Self::Full(bytes),
            Body::Stream(StreamBody {
                stream,
                length,
                coding,
                trailers,
            }) => Self::Stream {
                chunks: pump(stream, || {}),
                length,
                coding,
                trailers,
            },
        }
    }
}

impl From<TransferableBody> for Body {
    fn from(body: TransferableBody) -> Self {
        match body {
            TransferableBody::Empty => Self::Empty,
            TransferableBody::Full(bytes) => Self::Full(bytes),
            TransferableBody::Stream {
                mut chunks,
                length,
                coding,
                trailers,
            } => Self::Stream(StreamBody {
                stream: stream::poll_fn(move |cx| chunks.poll_next(cx)).boxed_local(),
                length,
                coding,
                trailers,
            }),
        }
    }
}

impl From<Request> for TransferableRequest {
    fn from(request: Request) -> Self {
        Self {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body.into(),
            cf: request.cf,
        }
    }
}

impl From<TransferableRequest> for Request {
    fn from(request: TransferableRequest) -> Self {
        Self {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body.into(),
            cf: request.cf,
        }
    }
}

impl From<Response> for TransferableResponse {
    fn from(response: Response) -> Self {
        Self {
            status: response.status,
            reason: response.reason,
            headers: response.headers,
            body: response.body.into(),
            socket: response.socket,
        }
    }
}

impl From<TransferableResponse> for Response {
    fn from(response: TransferableResponse) -> Self {
        Self {
            status: response.status,
            reason: response.reason,
            headers: response.headers,
            body: response.body.into(),
            socket: response.socket,
        }
    }
}
