//! Who may ask what only the owner of this machine may: neither a page of a web site, nor a name that it resolves.

use http::header::{HOST, ORIGIN};
use http::{HeaderValue, Request};

use crate::rules::is_localhost;

/// Whether a request names this machine or an address (so that no resolver was asked), and comes from no other page
/// than those that `origin` takes.
pub(super) fn is_local<B>(request: &Request<B>, origin: impl Fn(&str, &str) -> bool) -> bool {
    let text = |name| {
        request
            .headers()
            .get(name)
            .map(|value: &HeaderValue| value.to_str().unwrap_or("?"))
    };
    let host = text(HOST).unwrap_or_default();
    let url = deno_core::url::Url::parse(&format!("http://{host}/")).ok();
    let named_locally = url.is_some_and(|url| match url.host() {
        Some(deno_core::url::Host::Domain(name)) => is_localhost(name),
        Some(_) => true,
        None => false,
    });
    let same_site = text(http::HeaderName::from_static("sec-fetch-site"))
        .is_none_or(|site| site == "same-origin" || site == "none");
    named_locally && same_site && text(ORIGIN).is_none_or(|from| origin(from, host))
}
