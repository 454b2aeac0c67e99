//! What crosses between isolates: a method, a URL, header lists and bytes, and nothing else.

use std::sync::Arc;

use deno_core::url::Url;
use http::{HeaderMap, Method, StatusCode};

use crate::body::Body;
use crate::websocket::SocketEnd;

/// One HTTP request, on its way to a handler or to the network.
#[derive(Debug)]
pub struct Request {
    /// The method, already validated.
    pub method: Method,
    /// The absolute URL. Its scheme is `http` or `https`.
    pub url: Url,
    /// End-to-end headers.
    pub headers: HeaderMap,
    /// The body, unread.
    pub body: Body,
    /// What an agent reads as `request.cf`, in JSON.
    pub cf: Option<Arc<str>>,
}

impl Request {
    /// Tells whoever reads its headers how long the body is, as on Workers, where that is known. Nothing else goes by what is told: where
    /// the request goes on, its length is that of the body again.
    pub fn tell_length(&mut self) {
        if !matches!(self.body, Body::Empty)
            && self.body.coding().is_none()
            && let Some(length) = self.body.length()
        {
            self.headers.insert(http::header::CONTENT_LENGTH, length.into());
        }
    }
}

/// One HTTP response, on its way back.
#[derive(Debug)]
pub struct Response {
    /// The final status.
    pub status: StatusCode,
    /// The reason phrase, where it is not the status's usual one.
    pub reason: Option<String>,
    /// End-to-end headers.
    pub headers: HeaderMap,
    /// The body, unread.
    pub body: Body,
    /// The WebSocket that a response with the status 101 opens.
    pub socket: Option<SocketEnd>,
}

impl Response {
    /// A response with this status and plain text.
    pub fn text(status: StatusCode, text: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("text/plain;charset=UTF-8"),
        );
        Self {
            status,
            reason: None,
            headers,
            body: Body::Full(bytes::Bytes::from(text.into())),
            socket: None,
        }
    }
}
