//! What makes a check fail that expects better.

use http::HeaderName;
use serde_json::{Map, Value};

use super::ask::Ask;
use super::named::Named;
use super::upstream::Behaviour;

/// A request in all the ways that make parsers and helpers of a policy throw, and with upstreams that are down: a check that
/// fails must not let pass.
pub(super) fn faults(method: &str, url: &str, named: &Named) -> Vec<(String, Ask)> {
    let mut faults = Vec::new();
    let mut add = |case: &str, ask: Option<Ask>| faults.extend(ask.map(|ask| (case.to_owned(), ask)));
    let base = || Ask::new(method, url);
    let glue = if url.contains('?') { '&' } else { '?' };
    add(
        "a path that can not be decoded",
        Ask::new(method, &format!("{}/%zz%ff", url.trim_end_matches('/'))),
    );
    add(
        "a query that can not be decoded",
        Ask::new(method, &format!("{url}{glue}a=%zz%ff&%")),
    );
    add(
        "a very long path",
        Ask::new(method, &format!("{}/{}", url.trim_end_matches('/'), "a".repeat(9000))),
    );
    add(
        "bytes that are no text in a header",
        base().map(|ask| ask.header("x-data", "\u{e9}\u{1f600}")),
    );
    add(
        "a cookie that can not be decoded",
        base().map(|ask| ask.header("cookie", "%zz=%ff; ; =")),
    );
    add(
        "an authorization that is none",
        base().map(|ask| ask.header("authorization", "Bearer")),
    );
    add(
        "a token that is none",
        base().map(|ask| ask.header("authorization", "Bearer a.b.c")),
    );
    add(
        "every upstream is down",
        base().map(|ask| ask.upstreams(Behaviour::Down)),
    );
    add(
        "every upstream fails",
        base().map(|ask| ask.upstreams(Behaviour::Failing)),
    );
    for (case, kind, body) in [
        ("JSON that is none", "application/json", "{"),
        ("null as JSON", "application/json", "null"),
        ("a number as JSON", "application/json", "1"),
        ("no JSON at all", "application/json", ""),
        ("a list as JSON", "application/json", "[[]]"),
        ("a form that is none", "multipart/form-data; boundary=x", "--y"),
        (
            "a form that can not be decoded",
            "application/x-www-form-urlencoded",
            "a=%zz",
        ),
        ("a type that is none", "x", "x"),
    ] {
        let method = if matches!(method, "GET" | "HEAD") {
            "POST"
        } else {
            method
        };
        add(case, Ask::new(method, url).map(|ask| ask.body(kind, body)));
    }
    let names: Vec<&str> = named.names.iter().map(String::as_str).collect();
    for value in ["%zz", "{", "", "null", "-1"] {
        let headers = base().map(|ask| with_headers(ask, &names, value));
        add("headers that can not be read", headers);
        if !names.is_empty() {
            let query = if value == "%zz" {
                names
                    .iter()
                    .map(|name| format!("{name}=%zz"))
                    .collect::<Vec<_>>()
                    .join("&")
            } else {
                pairs(&names, value)
            };
            add(
                "parameters that can not be read",
                Ask::new(method, &format!("{url}{glue}{query}")),
            );
        }
    }
    faults
}

/// With a header more, where its name may be one.
pub(super) fn with_header(ask: Ask, name: &str, value: &str) -> Ask {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return ask;
    }
    ask.header(name, value)
}

/// With such a header for each name.
pub(super) fn with_headers(ask: Ask, names: &[&str], value: &str) -> Ask {
    names.iter().fold(ask, |ask, name| with_header(ask, name, value))
}

/// An object of JSON that gives each name the value.
pub(super) fn fields(names: &[&str], value: &Value) -> Map<String, Value> {
    names.iter().map(|name| ((*name).to_owned(), value.clone())).collect()
}

/// A query that gives each name the value.
pub(super) fn pairs(names: &[&str], value: &str) -> String {
    deno_core::url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(names.iter().map(|name| (name, value)))
        .finish()
}
