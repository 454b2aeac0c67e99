//! A denial as RFC 9457 problem details, so that an agent's author (or model) stops trying.

use http::{HeaderValue, StatusCode};
use workerd_lite_ops::{Body, Response};

use super::{Denial, Outside};

/// The response that stands for a request that a rule denies.
pub(crate) fn problem(denial: &Denial, host: &str) -> Response {
    denied(&outside(denial.outside, host), Some(&denial.rule))
}

/// The response that stands for a request that a credential is not bound to. It does not say which: what the policy
/// chooses among is no agent's concern.
pub(crate) fn outside_of_scope(outside_of: Outside, host: &str) -> Response {
    denied(&outside(outside_of, host), None)
}

/// The response that stands for a request in the clear that would carry a credential.
pub(crate) fn plaintext(host: &str) -> Response {
    denied(&format!("Requests to the host {host} must use https."), None)
}

fn outside(outside: Outside, host: &str) -> String {
    match outside {
        Outside::Host => format!("The host {host} is not on the list of what this worker may reach."),
        Outside::Method => format!("This method is not allowed for the host {host}."),
        Outside::Path => format!("This path is not allowed for the host {host}."),
        Outside::WebSocket => format!("No WebSocket is allowed to the host {host}."),
        Outside::Protocol => format!("This protocol is not allowed for the host {host}."),
        Outside::Port => format!("This port is not allowed for the host {host}."),
    }
}

/// What the owner's log says of a denial.
pub(crate) fn by_rule(denial: &Denial) -> String {
    format!("by the rule {}, for its {}", denial.rule, denial.outside)
}

/// The most bytes of an answer that are looked at for a rule's name, and of the name.
const ANSWER: usize = 4096;
const NAME: usize = 200;

/// The rule that an answer names as problem details: that of a policy that denies for a reason of its own.
pub(crate) fn named_rule(response: &Response) -> Option<String> {
    let kind = response.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    let Body::Full(body) = &response.body else { return None };
    if !kind.starts_with("application/problem+json") || body.len() > ANSWER {
        return None;
    }
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    let rule = problem.get("rule")?.as_str()?;
    Some(rule.chars().take(NAME).collect())
}

fn denied(detail: &str, rule: Option<&str>) -> Response {
    let remedy = match rule {
        Some(_) => "Do not retry: the answer stays the same. The worker's owner can allow the request in that rule.",
        None => "Do not retry: the answer stays the same. The worker's owner can allow the request.",
    };
    let mut body = serde_json::json!({
        "type": "about:blank",
        "title": "Egress denied",
        "status": 403,
        "detail": detail,
        "remedy": remedy,
    });
    if let Some(rule) = rule {
        body["rule"] = rule.into();
    }
    let mut response = Response::text(StatusCode::FORBIDDEN, body.to_string());
    response.headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
