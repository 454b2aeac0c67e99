//! The error page: what a client reads where a handler failed, with `--dev`.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::Full;
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
    page("The handler failed", StatusCode::INTERNAL_SERVER_ERROR, text, asked)
}

/// An answer while the project can not be served. A browser asks again by itself.
pub(crate) fn broken_page(report: Option<&str>, asked: &HeaderMap) -> http::Response<Full<Bytes>> {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let page = match report {
        Some(report) => page("The project can not be served", status, report, asked),
        None => Response::text(status, "Service Unavailable\n"),
    };
    let body = match page.body {
        Body::Full(bytes) => bytes,
        _ => Bytes::new(),
    };
    let mut response = http::Response::new(Full::new(body));
    *response.status_mut() = page.status;
    *response.headers_mut() = page.headers;
    for name in ["retry-after", "refresh"] {
        response.headers_mut().insert(name, HeaderValue::from_static("1"));
    }
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn page(heading: &str, status: StatusCode, text: &str, asked: &HeaderMap) -> Response {
    let is_browser = asked
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    if !is_browser {
        return Response::text(status, format!("{text}\n"));
    }
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    let [title, rest] = [title, rest].map(html_escape::encode_text);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>body{{font:16px/1.5 system-ui;margin:2rem;color-scheme:light dark}}pre{{overflow:auto;padding:1rem;\
         border:1px solid}}</style>\n<h1>{heading}</h1>\n<p><strong>{title}</strong></p>\n<pre>{rest}</pre>\n"
    );
    let mut response = Response::text(status, "");
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
