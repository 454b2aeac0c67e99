//! Requests that hyper takes and that recipients may read differently: each is refused, whatever it means to one of them.

use http::header::{HOST, TRANSFER_ENCODING};
use http::{Request, StatusCode, Version};

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
    // RFC 9113, section 8.3.1.
    if let (Some(host), Some(authority), Version::HTTP_2) = (first, request.uri().authority(), request.version()) {
        if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) {
            return Some((StatusCode::BAD_REQUEST, "Bad Request: the Host is not the :authority\n"));
        }
    }
    // RFC 9112, section 6.1. hyper wants `chunked` as the last, and decodes nothing else.
    let mut codings = headers
        .get_all(TRANSFER_ENCODING)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii);
    match (codings.next(), codings.next()) {
        (None, None) => None,
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => None,
        _ => Some((
            StatusCode::NOT_IMPLEMENTED,
            "Not Implemented: no transfer coding but chunked\n",
        )),
    }
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
    fn one_host_and_one_coding() {
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        let rows: [Row<'_>; 14] = [
            (one, "/", &[("host", "a")], None),
            (one, "http://b/", &[("host", "a")], None),
            (one, "/", &[], Some(400)),
            (one, "http://a/", &[], Some(400)),
            (Version::HTTP_10, "/", &[], None),
            (one, "/", &[("host", "a"), ("host", "a")], Some(400)),
            (Version::HTTP_10, "/", &[("host", "a"), ("host", "b")], Some(400)),
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
