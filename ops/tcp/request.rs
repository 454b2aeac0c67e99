//! What a connection is asked for by.

use deno_core::url::Url;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::body::Body;
use crate::error::FetchError;
use crate::fetch::parse_url;
use crate::message::Request;

/// The most bytes of a host, as workerd has it.
const LONGEST: usize = 255;

/// How the connection is secured, between whoever asks and whoever performs it.
const SECURE: HeaderName = HeaderName::from_static("workerd-lite-secure-transport");

/// `secureTransport`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secure {
    /// It stays in the clear.
    Off,
    /// TLS from the start.
    On,
    /// In the clear, until `startTls()`.
    StartTls,
}

impl Secure {
    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "off" => Self::Off,
            "on" => Self::On,
            "starttls" => Self::StartTls,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::StartTls => "starttls",
        }
    }
}

/// Whether a request asks for a connection. No script's request has this method.
pub fn is_connect(request: &Request) -> bool {
    request.method == Method::CONNECT
}

/// How the connection that a request asks for is to be secured.
pub fn secure(headers: &HeaderMap) -> Secure {
    let named = headers.get(SECURE).and_then(|value| value.to_str().ok());
    named.and_then(Secure::named).unwrap_or(Secure::Off)
}

/// Host and port of a request's URL, the port in any case.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
}

/// The request for a connection to a host and port. The host is read as URLs read one, so that whoever judges it reads the same.
///
/// # Errors
/// Where they are none.
pub fn request(hostname: &str, port: u16, secure: Secure) -> Result<Request, FetchError> {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    if hostname.is_empty() || hostname.len() > LONGEST || !hostname.bytes().all(may) || port == 0 {
        return Err(FetchError::Invalid(
            "Specified address is empty string, contains unsupported characters or is too long.".into(),
        ));
    }
    let hostname = if hostname.contains(':') && !hostname.starts_with('[') {
        format!("[{hostname}]")
    } else {
        hostname.to_owned()
    };
    let unread = || FetchError::Invalid("Specified address could not be parsed.".into());
    let url = Url::parse(&format!("http://{hostname}:{port}/")).map_err(|_| unread())?;
    let url = parse_url(url.as_str()).map_err(|_| unread())?;
    if url.path() != "/" || url.port_or_known_default() != Some(port) {
        return Err(unread());
    }
    let mut headers = HeaderMap::new();
    headers.insert(SECURE, HeaderValue::from_static(secure.name()));
    Ok(Request {
        method: Method::CONNECT,
        url,
        headers,
        body: Body::Empty,
        cf: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_urls_read_them() {
        for (host, port, read) in [
            ("db.internal", 5432, "db.internal:5432"),
            ("DB.Internal", 80, "db.internal:80"),
            ("::1", 1, "[::1]:1"),
            ("[::ffff:127.0.0.1]", 443, "[::ffff:7f00:1]:443"),
            ("2130706433", 22, "127.0.0.1:22"),
            ("0x7f.1", 22, "127.0.0.1:22"),
        ] {
            let asked = request(host, port, Secure::Off).unwrap();
            assert_eq!(authority(&asked.url), read, "{host}");
            assert!(is_connect(&asked));
        }
        for host in [
            "",
            "a b",
            "a/b",
            "a@b",
            "a#b",
            "a\r\nb",
            "[::1",
            "ä.example",
            "a:80",
            "a%2eb",
        ] {
            assert!(request(host, 80, Secure::Off).is_err(), "{host}");
        }
        assert!(request("a.example", 0, Secure::Off).is_err());
        assert!(request(&"a".repeat(256), 1, Secure::Off).is_err());
    }

    #[test]
    fn how_it_is_secured_goes_with_it() {
        for kind in [Secure::Off, Secure::On, Secure::StartTls] {
            assert_eq!(secure(&request("a.example", 1, kind).unwrap().headers), kind);
        }
    }
}
