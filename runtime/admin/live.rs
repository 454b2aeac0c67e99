//! The page that an author looks at: what agents are asked, and what leaves for it, as it happens.

use std::collections::VecDeque;
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

const HTML: &str = "text/html; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// What the page is made of: path, type, text.
const FILES: [(&str, &str, &str); 17] = [
    ("/dev", HTML, include_str!("live/page.html")),
    ("/dev/theme.css", CSS, include_str!("live/theme.css")),
    ("/dev/frame.css", CSS, include_str!("live/frame.css")),
    ("/dev/rows.css", CSS, include_str!("live/rows.css")),
    ("/dev/detail.css", CSS, include_str!("live/detail.css")),
    ("/dev/page.js", JS, include_str!("live/page.js")),
    ("/dev/dom.js", JS, include_str!("live/dom.js")),
    ("/dev/model.js", JS, include_str!("live/model.js")),
    ("/dev/filter.js", JS, include_str!("live/filter.js")),
    ("/dev/format.js", JS, include_str!("live/format.js")),
    ("/dev/row.js", JS, include_str!("live/row.js")),
    ("/dev/group.js", JS, include_str!("live/group.js")),
    ("/dev/list.js", JS, include_str!("live/list.js")),
    ("/dev/waterfall.js", JS, include_str!("live/waterfall.js")),
    ("/dev/detail.js", JS, include_str!("live/detail.js")),
    ("/dev/empty.js", JS, include_str!("live/empty.js")),
    ("/dev/as_test.js", JS, include_str!("live/as_test.js")),
];

/// Answers what lies below `/dev`.
pub(super) fn answer<B>(request: &Request<B>, feed: &Arc<Feed>) -> Answer {
    if !is_local(request, |origin, host| origin == format!("http://{host}")) {
        return plain(StatusCode::FORBIDDEN, "Forbidden: from this machine only\n");
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    }
    let path = request.uri().path();
    if path == "/dev/events" {
        return events(feed);
    }
    match FILES.iter().find(|(known, ..)| *known == path) {
        Some((_, kind, contents)) => text(kind, contents),
        None => plain(StatusCode::NOT_FOUND, "Not Found\n"),
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
    let listening = (VecDeque::from(recent), rest, Arc::clone(feed));
    let all = stream::unfold(listening, |(mut recent, mut rest, feed)| async move {
        loop {
            if let Some(text) = recent.pop_front() {
                return Some((text, (recent, rest, feed)));
            }
            match rest.recv().await {
                Ok(text) => return Some((text, (recent, rest, feed))),
                // A page that could not follow hears all again: each entry is told whole.
                Err(RecvError::Lagged(_)) => {
                    let (again, next) = feed.listen();
                    (recent, rest) = (again.into(), next);
                }
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let events = all.map(|text| {
        let event = Bytes::from(format!("data: {text}\n\n"));
        Ok::<_, Infallible>(Frame::data(event))
    });
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(events)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
