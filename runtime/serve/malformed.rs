//! Requests that hyper takes and that recipients may read differently: each is refused, whatever it means to one of them.

use http::header::{COOKIE, HOST, TE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Version};

/// The answer to a request that is refused before anybody sees it.
pub(super) fn refusal<B>(request: &Request<B>) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    let mut hosts = headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    // RFC 9112, section 3.2.
    if second.is_some() {
        return Some((StatusCode::BAD_REQUEST, "Bad Request: more than one Host\n"));
    }
    if first.is_none() && request.version() == Version::HTTP_11 {
        return Some((StatusCode::BAD_REQUEST, "Bad Request: no Host\n"));
    }
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    // RFC 9113, section 8.3.1.
    if first.is_none() && authority.is_none() && request.version() == Version::HTTP_2 {
        return Some((StatusCode::BAD_REQUEST, "Bad Request: no :authority\n"));
    }
    // A URL has it as a slash, and who stands in front as a letter.
    if request.uri().path().contains('\\') {
        return Some((StatusCode::BAD_REQUEST, "Bad Request: the path has a backslash\n"));
    }
    if first
        .map(HeaderValue::as_bytes)
        .into_iter()
        .chain(authority)
        .any(|host| !is_host(host))
    {
        return Some((StatusCode::BAD_REQUEST, "Bad Request: the Host is not valid\n"));
    }
    // RFC 9110, section 10.1.4: `identity` is obsolete, `chunked` needs no word, and neither says what the message's own coding is.
    if codings(request, TE).any(|coding| {
        [&b"identity"[..], b"chunked"]
            .iter()
            .any(|old| coding.eq_ignore_ascii_case(old))
    }) {
        return Some((StatusCode::BAD_REQUEST, "Bad Request: the TE is not valid\n"));
    }
    // RFC 9113, section 8.3.1.
    if let (Some(host), Some(authority), Version::HTTP_2) = (first, request.uri().authority(), request.version()) {
        if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) {
            return Some((StatusCode::BAD_REQUEST, "Bad Request: the Host is not the :authority\n"));
        }
    }
    // RFC 9112, section 6.1. hyper wants `chunked` as the last, and decodes nothing else.
    let mut codings = codings(request, TRANSFER_ENCODING);
    match (codings.next(), codings.next()) {
        (None, None) => None,
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => None,
        _ => Some((
            StatusCode::NOT_IMPLEMENTED,
            "Not Implemented: no transfer coding but chunked\n",
        )),
    }
}

/// Gives a request whose target has a host (RFC 9112, section 3.2.2; RFC 9113, section 8.3.1) that host as `Host`, so that who asks for the
/// one and who asks for the other read the same; and its cookies one line (RFC 9113, section 8.2.3).
pub(super) fn name_target<B>(request: &mut Request<B>) {
    join_cookies(request.headers_mut());
    let authority = request.uri().authority();
    if let Some(host) = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) {
        request.headers_mut().insert(HOST, host);
    }
}

/// Clients of HTTP/2 send each cookie in a line of its own. Of lists of other fields a comma is between.
fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(COOKIE).iter();
    if lines.next().is_none() || lines.next().is_none() {
        return;
    }
    let lines: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(all) = HeaderValue::from_bytes(&lines.join(&b"; "[..])) {
        headers.insert(COOKIE, all);
    }
}

/// What a list of codings names, without parameters.
fn codings<B>(request: &Request<B>, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let lines = request.headers().get_all(name).into_iter();
    let items = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    items.map(|item| item.split(|byte| *byte == b';').next().unwrap_or(item).trim_ascii())
}

/// Whether this is a name or an address, with a port or without. RFC 3986 would let a registered name have more than any host's
/// name has, and what reads it would not agree on what it means.
pub(super) fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host.iter().rposition(|byte| *byte == b':') {
        Some(colon) if !host[colon..].contains(&b']') => (&host[..colon], &host[colon + 1..]),
        _ => (host, &[][..]),
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let is_address = |address: &[u8]| {
        address.len() > 2
            && address
                .iter()
                .all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte))
    };
    let named = match name {
        [b'[', address @ .., b']'] => is_address(address),
        name => !name.is_empty() && name.iter().all(is_name),
    };
    named && port.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request, and the status that refuses it.
    type Row<'a> = (Version, &'a str, &'a [(&'a str, &'a str)], Option<u16>);

    fn status(version: Version, target: &str, fields: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().version(version).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        refusal(&request.body(()).unwrap()).map(|(status, _)| status.as_u16())
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for host in [
            "a",
            "a.b-c_d~e",
            "A:80",
            "a:",
            "127.0.0.1:8787",
            "[::1]",
            "[::ffff:127.0.0.1]:80",
            "xn--bcher-kva.example",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            ":80",
            "a b",
            "a,b",
            "a/b",
            "a\\b",
            "a@b",
            "a?b",
            "a#b",
            "a%41",
            "a:b",
            "a:80:80",
            "a:-1",
            "a;b",
            "a'b",
            "a\"b",
            "a<b",
            "[",
            "[]",
            "[::1",
            "::1",
            "[::1]a",
            "[::1%25a]",
            "[v1.a]",
            "a|b",
            "a\u{7f}",
            "ä",
            "a{b",
            "$a",
            "a!b",
            "(a)",
            "a*b",
            "a+b",
            "a=b",
            "a&b",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn one_host_and_one_coding() {
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        let rows: [Row<'_>; 18] = [
            (one, "/", &[("host", "a")], None),
            (one, "http://b/", &[("host", "a")], None),
            (one, "/", &[], Some(400)),
            (one, "http://a/", &[], Some(400)),
            (Version::HTTP_10, "/", &[], None),
            (one, "/", &[("host", "a"), ("host", "a")], Some(400)),
            (Version::HTTP_10, "/", &[("host", "a"), ("host", "b")], Some(400)),
            (one, "/", &[("host", "a"), ("te", "identity")], Some(400)),
            (one, "/", &[("host", "a"), ("te", "trailers, Identity;q=1")], Some(400)),
            (one, "/", &[("host", "a"), ("te", "chunked")], Some(400)),
            (one, "/", &[("host", "a"), ("te", "trailers, gzip;q=0.5")], None),
            (two, "http://a/", &[], None),
            (two, "http://a/", &[("host", "A")], None),
            (two, "http://a/", &[("host", "b")], Some(400)),
            (one, "/", &[("host", "a"), ("transfer-encoding", "Chunked")], None),
            (
                one,
                "/",
                &[("host", "a"), ("transfer-encoding", "gzip, chunked")],
                Some(501),
            ),
            (
                one,
                "/",
                &[("host", "a"), ("transfer-encoding", "chunked, chunked")],
                Some(501),
            ),
            (
                one,
                "/",
                &[
                    ("host", "a"),
                    ("transfer-encoding", "identity"),
                    ("transfer-encoding", "chunked"),
                ],
                Some(501),
            ),
        ];
        for (version, target, fields, expected) in rows {
            assert_eq!(
                status(version, target, fields),
                expected,
                "{version:?} {target} {fields:?}"
            );
        }
    }
}
