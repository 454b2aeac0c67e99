//! What makes another request of one for some servers: headers and parameters that name another method, host or path. Nobody can
//! tell which of them a server heeds, so that they are known by the words they are made of.

use deno_core::url::{Url, form_urlencoded};
use http::{HeaderMap, HeaderName};

/// What a header does to a request for who heeds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Override {
    /// It names another method or another URL.
    Replaces,
    /// A proxy told by it what the request was before, and some servers take that for what it is.
    Forwards,
}

fn of(name: &HeaderName) -> Option<Override> {
    // Servers that hand headers on as variables take an underscore for a hyphen.
    let name = name.as_str().replace('_', "-");
    let words: Vec<&str> = name.split('-').collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    if has(&["forwarded"]) {
        return Some(Override::Forwards);
    }
    let method = has(&["method", "verb"]) && !name.starts_with("access-control-");
    let target = has(&["url", "uri", "path", "host", "prefix", "query", "destinationurl"])
        && has(&[
            "original",
            "rewrite",
            "rewritten",
            "override",
            "proxy",
            "real",
            "request",
            "http",
            "raw",
            "full",
            "base",
        ]);
    let whole = matches!(
        &*name,
        "x-host" | "x-url" | "x-uri" | "x-path" | "script-name" | "path-info" | "x-script-name" | "x-path-info"
    );
    (method || target || whole || has(&["override"])).then_some(Override::Replaces)
}

/// Whether a request names another method or target than its own.
pub(super) fn replaces(url: &Url, headers: &HeaderMap) -> bool {
    let parameter = |name: &str| {
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        matches!(&*name, "-method" | "-http-method" | "-httpmethod")
            || name.contains("method-override")
            || name.starts_with("x-http-method")
    };
    headers.keys().any(|name| of(name) == Some(Override::Replaces))
        || url
            .query()
            .is_some_and(|query| form_urlencoded::parse(query.as_bytes()).any(|(name, _)| parameter(&name)))
}

/// Takes off what a proxy would have told of a request.
pub(super) fn take_off(headers: &mut HeaderMap) {
    let told: Vec<HeaderName> = headers
        .keys()
        .filter(|name| of(name) == Some(Override::Forwards))
        .cloned()
        .collect();
    for name in told {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_name(name: &str) -> Option<Override> {
        of(&HeaderName::try_from(name).unwrap())
    }

    #[test]
    fn they_are_known_by_their_words() {
        for name in [
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X-Method-Override",
            "X_HTTP_Method_Override",
            "X-Original-URL",
            "X-Rewrite-URL",
            "X-Original-URI",
            "X-Override-URL",
            "X-Original-Path",
            "X-Original-Method",
            "X-Proxy-URL",
            "X-Host",
            "X-Real-URL",
            "X-HTTP-DestinationURL",
            "X-HTTP-Host-Override",
            "X-Envoy-Original-Path",
            "Request-URI",
            "Base-Url",
        ] {
            assert_eq!(of_name(name), Some(Override::Replaces), "{name}");
        }
        for name in [
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Prefix",
            "X-Forwarded-Method",
            "X_Forwarded_Host",
            "X-Forwarded",
        ] {
            assert_eq!(of_name(name), Some(Override::Forwards), "{name}");
        }
        for name in [
            "host",
            "accept",
            "x-request-id",
            "access-control-request-method",
            "x-amz-date",
            "origin",
            "x-goog-request-params",
            "content-type",
            "x-github-api-version",
            "proxy-authorization",
            "if-match",
            "x-real-ip",
            "x-http-version",
        ] {
            assert_eq!(of_name(name), None, "{name}");
        }
    }

    #[test]
    fn parameters_too() {
        let replaced = |query: &str| {
            replaces(
                &format!("https://a.example/?{query}").parse().unwrap(),
                &HeaderMap::new(),
            )
        };
        for query in [
            "_method=DELETE",
            "a=1&%5Fmethod=x",
            "_METHOD",
            "X-HTTP-Method-Override=PUT",
        ] {
            assert!(replaced(query), "{query}");
        }
        for query in ["method=GET", "a=_method", "", "m_method=1"] {
            assert!(!replaced(query), "{query}");
        }
    }
}
