//! The page that an author looks at: what agents are asked, and what leaves for it, as it happens.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::broadcast::error::RecvError;

use super::local::is_local;
use super::{Answer, plain};
use crate::audit::Feed;

const PAGE: &str = include_str!("live/page.html");
const SCRIPT: &str = include_str!("live/page.js");
const STYLE: &str = include_str!("live/page.css");

/// Answers what lies below `/dev`.
pub(super) fn answer<B>(request: &Request<B>, feed: &Arc<Feed>) -> Answer {
    if !is_local(request, |origin, host| origin == format!("http://{host}")) {
        return plain(StatusCode::FORBIDDEN, "Forbidden: from this machine only\n");
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    }
    match request.uri().path() {
        "/dev" => text("text/html; charset=utf-8", PAGE),
        "/dev/page.js" => text("text/javascript; charset=utf-8", SCRIPT),
        "/dev/page.css" => text("text/css; charset=utf-8", STYLE),
        "/dev/events" => events(feed),
        _ => plain(StatusCode::NOT_FOUND, "Not Found\n"),
    }
}

fn text(kind: &'static str, text: &'static str) -> Answer {
    let mut response = plain(StatusCode::OK, text);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The page shows what agents say. None of it is markup, and nothing of it may load anything.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
        ),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): the latest, then the rest.
fn events(feed: &Arc<Feed>) -> Answer {
    let (recent, rest) = feed.listen();
    let rest = stream::unfold(rest, |mut rest| async move {
        loop {
            match rest.recv().await {
                Ok(text) => return Some((text, rest)),
                // A page that can not follow misses some.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let events = stream::iter(recent).chain(rest).map(|text| {
        let event = Bytes::from(format!("data: {text}\n\n"));
        Ok::<_, Infallible>(Frame::data(event))
    });
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(events)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
