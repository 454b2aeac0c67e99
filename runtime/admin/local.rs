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
    let host = host(request);
    let named_locally = is_known(request, std::iter::empty());
    let same_site = text(http::HeaderName::from_static("sec-fetch-site"))
        .is_none_or(|site| site == "same-origin" || site == "none");
    named_locally && same_site && text(ORIGIN).is_none_or(|from| origin(from, &host))
}

/// By what name a request asks: HTTP/2 has its own field for it.
fn host<B>(request: &Request<B>) -> String {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or("?"));
    // Two that differ are nobody's.
    match (authority, host) {
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => "?".to_owned(),
        (authority, host) => authority.or(host).unwrap_or_default().to_owned(),
    }
}

/// Whether a request names this machine, an address (so that no resolver was asked), or one of these names. A web site whose name
/// leads here has another.
pub(super) fn is_known<'n, B>(request: &Request<B>, mut names: impl Iterator<Item = &'n str>) -> bool {
    if request.headers().get_all(HOST).iter().count() > 1 {
        return false;
    }
    let url = deno_core::url::Url::parse(&format!("http://{}/", host(request))).ok();
    url.is_some_and(|url| match url.host() {
        Some(deno_core::url::Host::Domain(name)) => {
            is_localhost(name) || names.any(|known| known.eq_ignore_ascii_case(name))
        }
        Some(_) => true,
        None => false,
    })
}
