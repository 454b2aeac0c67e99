//! A keyed hash over the request, for upstreams that verify one.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{digest, hmac};
use http::HeaderName;
use workerd_lite_ops::{Body, Request};

use super::Sent;
use super::attach::set;
use super::secret::Secret;

/// HMAC-SHA-256 (RFC 2104) over five lines, each ended by a line feed but the last: the method; the host, with its port
/// where that is not the scheme's; the path with its query; the time in seconds since 1970; and the body's SHA-256 in
/// hexadecimal digits, or `UNSIGNED-PAYLOAD` where it is streamed. The header is `t=<time>,v1=<hex of the hash>,body=<how>`
/// with `sha256` or `unsigned`, which the fifth line covers: a verifier that insists on the body refuses `unsigned`.
#[derive(Debug)]
pub struct Hmac {
    /// The header that carries it.
    pub header: HeaderName,
    /// The key.
    pub secret: Secret,
}

impl Hmac {
    pub(super) fn sign(&self, request: &mut Request, time: SystemTime) -> Result<Sent, String> {
        let seconds = time
            .duration_since(UNIX_EPOCH)
            .map_err(|_| "the clock is wrong")?
            .as_secs();
        let (how, body) = body_line(&request.body);
        let canonical = canonical(request, seconds, &body);
        let secret = self.secret.value();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hex::encode(hmac::sign(&key, canonical.as_bytes()));
        set(request, &self.header, &format!("t={seconds},v1={tag},body={how}"))?;
        Ok(vec![secret.to_string()])
    }
}

/// How the body is covered, and the line that covers it.
fn body_line(body: &Body) -> (&'static str, String) {
    let hashed = |bytes: &[u8]| ("sha256", hex::encode(digest::digest(&digest::SHA256, bytes)));
    match body {
        Body::Stream(_) => ("unsigned", "UNSIGNED-PAYLOAD".to_owned()),
        Body::Full(bytes) => hashed(bytes),
        Body::Empty => hashed(b""),
    }
}

fn canonical(request: &Request, seconds: u64, body: &str) -> String {
    let url = &request.url;
    let host = url.host_str().unwrap_or_default();
    let authority = url
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let target = url
        .query()
        .map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    format!("{}\n{authority}\n{target}\n{seconds}\n{body}", request.method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_is_the_stated_one() {
        let request = Request {
            method: http::Method::POST,
            url: "https://a.example:8443/x%20y?b=1".parse().unwrap(),
            headers: http::HeaderMap::new(),
            body: Body::Full("body".into()),
            cf: None,
        };
        let digest = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5";
        assert_eq!(
            canonical(&request, 5, &body_line(&request.body).1),
            format!("POST\na.example:8443\n/x%20y?b=1\n5\n{digest}")
        );
    }
}
