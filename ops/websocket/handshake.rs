//! Requests that ask for a WebSocket. Inside they are told by one field, `upgrade: websocket`, which no other request has: all of a
//! connection's own is taken off messages, and this is put back where all of it was in order.

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method};

use crate::body::Body;
use crate::error::FetchError;
use crate::message::Request;

/// What belongs to the handshake of one connection (RFC 6455, section 11.3). The connection writes its own.
const OWN: [HeaderName; 4] = [
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_ACCEPT,
    header::SEC_WEBSOCKET_EXTENSIONS,
];

/// Whether these fields ask for an upgrade to WebSockets and to nothing else.
pub fn is_websocket(headers: &HeaderMap) -> bool {
    let mut upgrades = headers.get_all(header::UPGRADE).iter();
    let only = upgrades.next().filter(|_| upgrades.next().is_none());
    only.is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

/// Whether a request that has come in asks for a WebSocket.
pub fn is_handshake(request: &Request) -> bool {
    is_websocket(&request.headers)
}

/// Marks a request, of whose fields those of a connection were taken off, as one for a WebSocket.
pub fn mark(headers: &mut HeaderMap) {
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// Brings a script's request into the form that asks for a WebSocket. `asked` says whether its fields did so.
pub(crate) fn prepare(asked: bool, method: &Method, headers: &mut HeaderMap, body: &Body) -> Result<(), FetchError> {
    if !asked {
        return Ok(());
    }
    if *method != Method::GET {
        return Err(FetchError::Invalid("a request for a WebSocket is a GET".into()));
    }
    if !matches!(body, Body::Empty) {
        return Err(FetchError::Invalid("a request for a WebSocket has no body".into()));
    }
    for name in OWN {
        headers.remove(name);
    }
    mark(headers);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_upgrade_to_websockets_and_to_nothing_else() {
        let asks = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("upgrade", value.parse().unwrap());
            }
            is_websocket(&headers)
        };
        assert!(asks(&["websocket"]) && asks(&[" WebSocket"]));
        for values in [
            &[][..],
            &["h2c"],
            &["websocket, h2c"],
            &["websocket", "h2c"],
            &["websocket", "websocket"],
        ] {
            assert!(!asks(values), "{values:?}");
        }
    }

    #[test]
    fn the_connections_own_fields_are_the_connections() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("sec-websocket-key", "x"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("sec-websocket-protocol", "chat"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        prepare(true, &Method::GET, &mut headers, &Body::Empty).unwrap();
        assert_eq!(headers.len(), 2);
        assert!(is_websocket(&headers) && headers.contains_key("sec-websocket-protocol"));
        assert!(prepare(true, &Method::POST, &mut headers, &Body::Empty).is_err());
        assert!(prepare(true, &Method::GET, &mut headers, &Body::Full("x".into())).is_err());
    }
}
