//! Whether a response may be kept, and for how long: RFC 9111, as a shared cache.

use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, CACHE_CONTROL, EXPIRES, LAST_MODIFIED, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_cache_semantics::{CacheOptions, CachePolicy};

/// Until when a response is good, and for which requests.
#[derive(Debug)]
pub(super) struct Kept {
    stored: SystemTime,
    /// How old it was by then.
    age: Duration,
    lifetime: Duration,
    /// The fields of its request that `Vary` names.
    varying: Vec<(HeaderName, Vec<HeaderValue>)>,
}

impl Kept {
    pub(super) fn new(
        stored: SystemTime,
        age: Duration,
        lifetime: Duration,
        varying: Vec<(HeaderName, Vec<HeaderValue>)>,
    ) -> Self {
        Self {
            stored,
            age,
            lifetime,
            varying,
        }
    }

    /// How old it is.
    pub(super) fn age(&self, now: SystemTime) -> Duration {
        self.age + now.duration_since(self.stored).unwrap_or_default()
    }

    pub(super) fn is_fresh(&self, now: SystemTime) -> bool {
        now.duration_since(self.stored).unwrap_or_default() < self.lifetime
    }

    /// Whether it answers a request. As on Workers, what the request says of caching is not heard.
    pub(super) fn fits(&self, request: &HeaderMap, now: SystemTime) -> bool {
        self.is_fresh(now)
            && self.varying.iter().all(|(name, values)| {
                let mut own = request.get_all(name).iter();
                values.iter().all(|value| own.next() == Some(value)) && own.next().is_none()
            })
    }

    pub(super) fn size(&self) -> usize {
        let values = self.varying.iter().flat_map(|(_, values)| values);
        values.map(|value| value.len() + 64).sum()
    }
}

/// For how long a response is good that says nothing of it, as on Workers: in seconds, by its status.
fn default_lifetime(status: StatusCode) -> Option<u64> {
    match status.as_u16() {
        200 | 301 => Some(7200),
        302 | 303 => Some(1200),
        404 | 410 => Some(180),
        _ => None,
    }
}

fn directives(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(CACHE_CONTROL).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(',').map(str::trim))
}

/// Whether a directive says for how long a response is good, or that it is not for a cache.
fn is_of_time(directive: &str) -> bool {
    let name = directive.split('=').next().unwrap_or(directive).trim_end();
    ["max-age", "s-maxage", "no-cache", "no-store", "private"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// `private=Set-Cookie` keeps a response without its cookies.
fn without_private_cookies(headers: &mut HeaderMap) {
    let is_it = |directive: &str| {
        directive.split_once('=').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("private") && value.trim_matches('"').eq_ignore_ascii_case("set-cookie")
        })
    };
    if !directives(headers).any(is_it) {
        return;
    }
    let rest: Vec<&str> = directives(headers).filter(|directive| !is_it(directive)).collect();
    let rest = HeaderValue::from_str(&rest.join(", ")).ok();
    headers.remove(SET_COOKIE);
    headers.remove(CACHE_CONTROL);
    if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
        headers.insert(CACHE_CONTROL, rest);
    }
}

/// Nothing where nobody may keep the response. Takes out of its headers what is not kept.
pub(super) fn judge(
    url: &str,
    request: &HeaderMap,
    status: StatusCode,
    headers: &mut HeaderMap,
    now: SystemTime,
) -> Option<Kept> {
    without_private_cookies(headers);
    if headers.contains_key(SET_COOKIE) || status == StatusCode::NOT_MODIFIED {
        return None;
    }
    let mut judged = headers.clone();
    let tells =
        judged.contains_key(EXPIRES) || judged.contains_key(LAST_MODIFIED) || directives(&judged).any(is_of_time);
    if let Some(seconds) = default_lifetime(status).filter(|_| !tells) {
        judged.append(CACHE_CONTROL, format!("max-age={seconds}").parse().ok()?);
    }
    let mut asked = Request::builder().method(Method::GET).uri(url).body(()).ok()?;
    if let Some(authorization) = request.get(AUTHORIZATION) {
        asked.headers_mut().insert(AUTHORIZATION, authorization.clone());
    }
    let mut given = Response::builder().status(status).body(()).ok()?;
    *given.headers_mut() = judged;
    let policy = CachePolicy::new_options(&asked, &given, now, CacheOptions::default());
    let lifetime = policy.time_to_live(now);
    if !policy.is_storable() || lifetime.is_zero() {
        return None;
    }
    Some(Kept::new(now, policy.age(now), lifetime, varying(request, headers)?))
}

fn varying(request: &HeaderMap, headers: &HeaderMap) -> Option<Vec<(HeaderName, Vec<HeaderValue>)>> {
    let mut varying = Vec::new();
    for line in headers.get_all(VARY) {
        for name in line
            .to_str()
            .ok()?
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let name = HeaderName::from_bytes(name.as_bytes()).ok().filter(|_| name != "*")?;
            let values = request.get_all(&name).iter().cloned().collect();
            varying.push((name, values));
        }
    }
    Some(varying)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn lifetime(status: u16, request: &[(&'static str, &str)], response: &[(&'static str, &str)]) -> u64 {
        let status = StatusCode::from_u16(status).unwrap();
        let kept = judge(
            "http://a.test/",
            &headers(request),
            status,
            &mut headers(response),
            SystemTime::now(),
        );
        kept.map_or(0, |kept| kept.lifetime.as_secs())
    }

    #[test]
    fn responses_live_as_long_as_they_say() {
        for (status, request, response, seconds) in [
            (200, vec![], vec![], 7200),
            (404, vec![], vec![], 180),
            (500, vec![], vec![], 0),
            (200, vec![], vec![("cache-control", "max-age=60")], 60),
            (200, vec![], vec![("cache-control", "max-age=60, s-maxage=70")], 70),
            (200, vec![], vec![("cache-control", "max-age=60"), ("age", "20")], 40),
            (200, vec![], vec![("cache-control", "no-store")], 0),
            (200, vec![], vec![("cache-control", "public")], 7200),
            (
                200,
                vec![],
                vec![("cache-control", "Public, must-revalidate, no-transform")],
                7200,
            ),
            (200, vec![], vec![("cache-control", "public, MAX-AGE=0")], 0),
            (200, vec![], vec![("cache-control", "public, no-cache")], 0),
            (500, vec![], vec![("cache-control", "public")], 0),
            (200, vec![], vec![("cache-control", "private, max-age=60")], 0),
            (
                200,
                vec![],
                vec![("cache-control", "max-age=60"), ("set-cookie", "a=1")],
                0,
            ),
            (
                200,
                vec![],
                vec![
                    ("cache-control", "private=Set-Cookie, max-age=60"),
                    ("set-cookie", "a=1"),
                ],
                60,
            ),
            (200, vec![], vec![("cache-control", "max-age=60"), ("vary", "*")], 0),
            (200, vec![], vec![("expires", "Thu, 01 Dec 1994 16:00:00 GMT")], 0),
            (
                200,
                vec![("authorization", "x")],
                vec![("cache-control", "max-age=60")],
                0,
            ),
            (
                200,
                vec![("authorization", "x")],
                vec![("cache-control", "public, max-age=60")],
                60,
            ),
            (304, vec![], vec![("cache-control", "max-age=60")], 0),
        ] {
            assert_eq!(
                lifetime(status, &request, &response),
                seconds,
                "{status} {request:?} {response:?}"
            );
        }
    }

    #[test]
    fn what_vary_names_must_be_the_same() {
        let now = SystemTime::now();
        let request = headers(&[("accept-language", "de")]);
        let mut response = headers(&[("vary", "Accept-Language, x-none")]);
        let kept = judge("http://a.test/", &request, StatusCode::OK, &mut response, now).unwrap();
        assert!(kept.fits(&request, now));
        assert!(!kept.fits(&headers(&[]), now));
        assert!(!kept.fits(&headers(&[("accept-language", "en")]), now));
        assert!(!kept.fits(&headers(&[("accept-language", "de"), ("x-none", "1")]), now));
        assert!(!kept.fits(&request, now + Duration::from_hours(2)));
    }
}
