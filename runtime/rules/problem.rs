//! A denial as RFC 9457 problem details, so that an agent's author (or model) stops trying.

use http::{HeaderValue, StatusCode};
use workerd_lite_ops::Response;

use super::{Denial, Outside};

/// The response that stands for a denied request.
pub(crate) fn problem(denial: &Denial, host: &str) -> Response {
    let what = match denial.outside {
        Outside::Host => format!("The host {host} is not on the list of what this worker may reach."),
        Outside::Method => format!("This method is not allowed for the host {host}."),
        Outside::Path => format!("This path is not allowed for the host {host}."),
    };
    let body = serde_json::json!({
        "type": "about:blank",
        "title": "Egress denied",
        "status": 403,
        "detail": what,
        "rule": &*denial.rule,
        "remedy": "Do not retry: the answer stays the same. The worker's owner can allow the request in that rule.",
    });
    let mut response = Response::text(StatusCode::FORBIDDEN, body.to_string());
    response.headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
