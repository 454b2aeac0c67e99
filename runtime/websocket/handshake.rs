//! The handshake (RFC 6455, section 4). What is not in order opens nothing: it is an ordinary request, or no answer.

use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version};
use hyper::ext::Protocol;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use workerd_lite_ops::websocket::is_websocket;

use super::extension::{self, DEFLATE};

/// The version of the protocol that there is.
const VERSION: &str = "13";

/// Bytes of a key in base64.
const KEY: usize = 24;

/// What is between the commas of a list of tokens.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

fn names(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token.as_bytes()))
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}

/// A client's request that opens a WebSocket where it is answered so.
#[derive(Debug)]
pub(crate) struct Offer {
    way: Way,
    /// Whether messages may be compressed.
    deflates: bool,
}

#[derive(Debug)]
enum Way {
    /// HTTP/1.1, with what it wants to read in `Sec-WebSocket-Accept`.
    Upgrade(HeaderValue),
    /// HTTP/2 (RFC 8441).
    Connect,
}

impl Offer {
    /// What a request offers. One of HTTP/2 becomes the same GET as one of HTTP/1.1.
    pub(crate) fn of<B: http_body::Body>(request: &mut Request<B>) -> Option<Self> {
        let way = Way::of(request)?;
        let deflates = extension::is_offered(request.headers());
        Some(Self { way, deflates })
    }

    /// Writes the head of the answer that opens it. Gives whether messages are compressed, where they may be.
    pub(crate) fn answer<B>(self, response: &mut http::Response<B>, may_deflate: bool) -> bool {
        let headers = response.headers_mut();
        for name in [
            SEC_WEBSOCKET_EXTENSIONS,
            SEC_WEBSOCKET_KEY,
            SEC_WEBSOCKET_ACCEPT,
            CONTENT_LENGTH,
        ] {
            headers.remove(name);
        }
        let deflates = may_deflate && self.deflates;
        if deflates {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(DEFLATE));
        }
        match self.way {
            Way::Upgrade(accept) => {
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
                headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
            }
            Way::Connect => *response.status_mut() = StatusCode::OK,
        }
        deflates
    }
}

impl Way {
    fn of<B: http_body::Body>(request: &mut Request<B>) -> Option<Self> {
        let headers = request.headers();
        if only(headers, &SEC_WEBSOCKET_VERSION)?.as_bytes().trim_ascii() != VERSION.as_bytes() {
            return None;
        }
        if request.version() == Version::HTTP_2 {
            let protocol = request.extensions().get::<Protocol>()?;
            let asks = request.method() == Method::CONNECT && protocol.as_str().eq_ignore_ascii_case("websocket");
            if !asks {
                return None;
            }
            *request.method_mut() = Method::GET;
            return Some(Self::Connect);
        }
        let bodyless = !headers.contains_key(TRANSFER_ENCODING)
            && headers.get_all(CONTENT_LENGTH).iter().all(|length| length == "0")
            && request.body().is_end_stream();
        let key = only(headers, &SEC_WEBSOCKET_KEY)?.as_bytes().trim_ascii();
        let in_order = request.version() == Version::HTTP_11
            && request.method() == Method::GET
            && is_websocket(headers)
            && names(headers, &CONNECTION, "upgrade")
            && bodyless
            && is_key(key);
        let accept = HeaderValue::from_str(&derive_accept_key(key)).ok()?;
        in_order.then_some(Self::Upgrade(accept))
    }
}

/// Sixteen bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let letters = |bytes: &[u8]| {
        bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte))
    };
    key.len() == KEY && key.ends_with(b"==") && letters(&key[..KEY - 2])
}

/// What is wrong with an upstream's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the upstream's answer opens no WebSocket: {0}")]
pub(crate) struct NoWebSocket(&'static str);

/// The key of one handshake with an upstream.
#[derive(Debug)]
pub(crate) struct Key {
    sent: String,
    /// Subprotocols that were offered.
    protocols: Vec<Vec<u8>>,
    /// Whether compression was.
    deflates: bool,
}

impl Key {
    /// Writes what a handshake needs into a request's head, and takes off what would speak of the connection otherwise.
    pub(crate) fn offer(headers: &mut HeaderMap, deflates: bool) -> Self {
        let key = generate_key();
        for name in [SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_ACCEPT, CONTENT_LENGTH] {
            headers.remove(name);
        }
        if deflates {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(DEFLATE));
        }
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
        if let Ok(value) = HeaderValue::from_str(&key) {
            headers.insert(SEC_WEBSOCKET_KEY, value);
        }
        let protocols = tokens(headers, &SEC_WEBSOCKET_PROTOCOL).map(<[u8]>::to_vec).collect();
        Self {
            sent: key,
            protocols,
            deflates,
        }
    }

    /// Whether an answer with the status 101 is one to this (RFC 6455, section 4.1). Gives whether messages are compressed.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<bool, NoWebSocket> {
        if !is_websocket(headers) || !names(headers, &CONNECTION, "upgrade") {
            return Err(NoWebSocket("it switches to another protocol"));
        }
        let accept = derive_accept_key(self.sent.as_bytes());
        if only(headers, &SEC_WEBSOCKET_ACCEPT).is_none_or(|value| value.as_bytes().trim_ascii() != accept.as_bytes()) {
            return Err(NoWebSocket("its Sec-WebSocket-Accept is not the one for our key"));
        }
        let deflates = extension::is_accepted(headers, self.deflates).map_err(NoWebSocket)?;
        if headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
            let chosen = only(headers, &SEC_WEBSOCKET_PROTOCOL).map(|value| value.as_bytes().trim_ascii());
            if chosen.is_none_or(|chosen| !self.protocols.iter().any(|offered| offered == chosen)) {
                return Err(NoWebSocket("it has a subprotocol that nobody asked for"));
            }
        }
        Ok(deflates)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("upgrade", "websocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn offer(method: &str, version: Version, fields: &[(&str, &str)], body: &'static str) -> Option<Way> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method.parse().unwrap();
        *request.version_mut() = version;
        for (name, value) in fields {
            request
                .headers_mut()
                .append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        Offer::of(&mut request).map(|offer| offer.way)
    }

    #[test]
    fn a_handshake_that_is_in_order_is_one() {
        // RFC 6455, section 1.3.
        let Some(Way::Upgrade(accept)) = offer("GET", Version::HTTP_11, &GOOD, "") else {
            panic!("no offer");
        };
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(offer("POST", Version::HTTP_11, &GOOD, "").is_none());
        assert!(offer("GET", Version::HTTP_10, &GOOD, "").is_none());
        assert!(offer("GET", Version::HTTP_11, &GOOD, "body").is_none());
        for without in 0..GOOD.len() {
            let rest: Vec<_> = GOOD
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != without)
                .map(|(_, field)| *field)
                .collect();
            assert!(offer("GET", Version::HTTP_11, &rest, "").is_none(), "{without}");
        }
        for more in [
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("upgrade", "h2c"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "8"),
        ] {
            let mut fields = GOOD.to_vec();
            fields.push(more);
            assert!(offer("GET", Version::HTTP_11, &fields, "").is_none(), "{more:?}");
        }
        let mut fields = GOOD.to_vec();
        fields[3].1 = "c2hvcnQ=";
        assert!(offer("GET", Version::HTTP_11, &fields, "").is_none());
    }

    #[test]
    fn an_answer_is_one_to_what_was_asked() {
        let mut asked = HeaderMap::new();
        asked.insert(SEC_WEBSOCKET_PROTOCOL, "chat, super".parse().unwrap());
        let key = Key::offer(&mut asked, false);
        assert!(is_websocket(&asked) && asked.contains_key(SEC_WEBSOCKET_KEY));
        let accept = derive_accept_key(asked[SEC_WEBSOCKET_KEY].as_bytes());
        let good = [
            ("upgrade", "WebSocket"),
            ("connection", "upgrade"),
            ("sec-websocket-accept", &*accept),
        ];
        let check = |fields: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
            }
            key.check(&headers).is_ok()
        };
        assert!(check(&good));
        for without in 0..good.len() {
            let rest: Vec<_> = good
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != without)
                .map(|(_, field)| *field)
                .collect();
            assert!(!check(&rest), "{without}");
        }
        for (more, may) in [
            (("sec-websocket-protocol", "chat"), true),
            (("sec-websocket-protocol", "other"), false),
            (("sec-websocket-protocol", "chat, super"), false),
            (("sec-websocket-extensions", "permessage-deflate"), false),
            (("upgrade", "h2c"), false),
        ] {
            assert_eq!(check(&[&good[..], &[more]].concat()), may, "{more:?}");
        }
    }
}
