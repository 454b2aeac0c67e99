//! The error page: what a client reads where a handler failed, with `--dev`.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use workerd_lite_ops::{Body, EventError, Response};

use crate::isolate::frame;
use crate::isolate::modules::Graph;

/// All that is known: what was thrown, the line of the author's source, and the stack.
pub(super) fn text(error: &EventError, graph: &Graph) -> String {
    let EventError::Exception { summary, stack } = error else {
        return error.to_string();
    };
    match frame(stack, graph) {
        Some(frame) => format!("{summary}\n{frame}\n\n{stack}"),
        None => error.details(),
    }
}

/// An answer with that text: as a page where the client is a browser.
pub(super) fn response(text: &str, asked: &HeaderMap) -> Response {
    let is_browser = asked
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    if !is_browser {
        return Response::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{text}\n"));
    }
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    let [title, rest] = [title, rest].map(html_escape::encode_text);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>body{{font:16px/1.5 system-ui;margin:2rem;color-scheme:light dark}}pre{{overflow:auto;padding:1rem;\
         border:1px solid}}</style>\n<h1>The handler failed</h1>\n<p><strong>{title}</strong></p>\n<pre>{rest}</pre>\n"
    );
    let mut response = Response::text(StatusCode::INTERNAL_SERVER_ERROR, "");
    response.body = Body::Full(page.into());
    let headers = &mut response.headers;
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    // What was thrown may come from anyone.
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
