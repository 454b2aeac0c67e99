//! Header lists as one string, `name\nvalue\nname\nvalue`, which costs one V8 string instead of dozens. Values are UTF-8, as Workers have
//! them; one that is not is read as Latin-1.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt::Write as _;

use deno_core::{FromV8, ToV8, v8};
use deno_error::JsErrorBox;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::FetchError;

/// The most fields that a list may have. `HeaderMap` takes 24,576 names and panics beyond: whatever makes a list of what others
/// sent keeps to this, which leaves room for what is added.
pub const MAX_FIELDS: usize = 24_000;

/// Text of a script's, or for one, as UTF-8. What a script has of half a surrogate pair is U+FFFD.
pub struct Utf8(String);

impl Utf8 {
    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl From<String> for Utf8 {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::ops::Deref for Utf8 {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<'a> FromV8<'a> for Utf8 {
    type Error = JsErrorBox;

    fn from_v8<'i>(scope: &mut v8::PinScope<'a, 'i>, value: v8::Local<'a, v8::Value>) -> Result<Self, Self::Error> {
        let text = value
            .try_cast::<v8::String>()
            .map_err(|_| JsErrorBox::type_error("expected a string"))?;
        Ok(Self(text.to_rust_string_lossy(scope)))
    }
}

impl<'a> ToV8<'a> for Utf8 {
    type Error = Infallible;

    fn to_v8<'i>(self, scope: &mut v8::PinScope<'a, 'i>) -> Result<v8::Local<'a, v8::Value>, Self::Error> {
        Ok(to_v8_string(scope, &self.0).into())
    }
}

/// A string for a script. Nearly all of them are ASCII, which V8 takes without a look at each letter.
pub fn to_v8_string<'s>(scope: &mut v8::PinScope<'s, '_>, text: &str) -> v8::Local<'s, v8::String> {
    let made = if text.is_ascii() {
        v8::String::new_from_one_byte(scope, text.as_bytes(), v8::NewStringType::Normal)
    } else {
        v8::String::new_from_utf8(scope, text.as_bytes(), v8::NewStringType::Normal)
    };
    made.unwrap_or_else(|| v8::String::empty(scope))
}

/// What a value says: UTF-8, or else Latin-1.
pub fn text(value: &HeaderValue) -> Cow<'_, str> {
    match str::from_utf8(value.as_bytes()) {
        Ok(text) => text.into(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

/// Joins a header list for a script. Names and values hold no line feed, by their types.
pub fn join(headers: &HeaderMap) -> String {
    let mut joined = String::with_capacity(headers.len() * 40);
    for (name, value) in headers {
        if !joined.is_empty() {
            joined.push('\n');
        }
        joined.push_str(name.as_str());
        joined.push('\n');
        if name == http::header::LOCATION && str::from_utf8(value.as_bytes()).is_err() {
            push_escaped(&mut joined, value.as_bytes());
        } else {
            joined.push_str(&text(value));
        }
    }
    joined
}

/// A location is bytes, of which no reading as text is right: those that are no ASCII are percent-encoded, as a URL has them.
fn push_escaped(joined: &mut String, bytes: &[u8]) {
    for byte in bytes {
        if byte.is_ascii() {
            joined.push(char::from(*byte));
        } else {
            let _ = write!(joined, "%{byte:02X}");
        }
    }
}

/// Splits what a script joined. Every name and value is validated here, whatever the script did to its objects.
pub fn split(joined: &[u8]) -> Result<HeaderMap, FetchError> {
    let mut headers = HeaderMap::new();
    if joined.is_empty() {
        return Ok(headers);
    }
    let mut parts = joined.split(|byte| *byte == b'\n');
    while let Some(name) = parts.next() {
        let value = parts.next().unwrap_or_default();
        let name = HeaderName::from_bytes(name).map_err(|_| invalid("name", name))?;
        let value = HeaderValue::from_bytes(value).map_err(|_| invalid("value", value))?;
        if headers.len() >= MAX_FIELDS {
            return Err(FetchError::Invalid("too many headers".into()));
        }
        headers.append(name, value);
    }
    Ok(headers)
}

fn invalid(what: &str, bytes: &[u8]) -> FetchError {
    FetchError::Invalid(format!("invalid header {what} {:?}", String::from_utf8_lossy(bytes)))
}

/// How large fields are as `headers_kb` counts them: bytes of names and values, and two for each field.
pub fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 2)
        .sum()
}

/// Removes what belongs to one connection and not to the message (RFC 9110, section 7.6.1), including every
/// header that `Connection` names. `Host`, `Content-Length` and `Expect` go too: the connection writes its own.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if !headers.keys().any(is_hop_by_hop) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(http::header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .filter(|name| !is_for_all(name.as_str()))
        .collect();
    let gone: Vec<HeaderName> = headers.keys().filter(|name| is_hop_by_hop(name)).cloned().collect();
    for name in named.into_iter().chain(gone) {
        headers.remove(name);
    }
}

/// Fields that no `Connection` may name: which host is meant, and what a proxy, or this server, says of the client. Whoever names them
/// would have taken away what was true.
fn is_for_all(name: &str) -> bool {
    matches!(name, "host" | "forwarded" | "x-real-ip") || name.starts_with("x-forwarded-") || name.starts_with("cf-")
}

/// Most messages hold none of these: a look at each name costs less than a look-up of each of ours.
pub(crate) fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
            | "expect"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_survives_the_crossing() {
        let mut headers = HeaderMap::new();
        headers.append("accept", HeaderValue::from_static("*/*"));
        headers.append("set-cookie", HeaderValue::from_static("a=1"));
        headers.append("set-cookie", HeaderValue::from_static(""));
        headers.append(
            "x-utf8",
            HeaderValue::from_bytes("caf\u{e9} \u{4f60}".as_bytes()).unwrap(),
        );
        assert_eq!(split(join(&headers).as_bytes()).unwrap(), headers);
        assert_eq!(split(join(&HeaderMap::new()).as_bytes()).unwrap(), HeaderMap::new());
    }

    #[test]
    fn what_is_not_utf8_is_latin1() {
        let mut headers = HeaderMap::new();
        headers.append("x-latin", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        headers.append("x-utf8", HeaderValue::from_bytes("\u{e9}".as_bytes()).unwrap());
        assert_eq!(join(&headers), "x-latin\ncaf\u{e9}\nx-utf8\n\u{e9}");
    }

    #[test]
    fn a_location_keeps_its_bytes() {
        let mut headers = HeaderMap::new();
        headers.append("location", HeaderValue::from_bytes(b"/a?\xe9%41").unwrap());
        headers.append("location", HeaderValue::from_bytes("/\u{e9}".as_bytes()).unwrap());
        assert_eq!(join(&headers), "location\n/a?%E9%41\nlocation\n/\u{e9}");
    }

    #[test]
    fn a_smuggled_line_is_no_header() {
        assert!(split(b"x\na\r\nhost\nb").is_err());
        assert!(split(b"x y\na").is_err());
        assert!(split(b"x\na\0b").is_err());
    }

    #[test]
    fn a_list_without_end_is_an_error() {
        let list = |fields: usize, name: fn(usize) -> String| {
            let lines: Vec<String> = (0..fields).map(|field| format!("{}\n1", name(field))).collect();
            split(lines.join("\n").as_bytes())
        };
        for name in [|field| format!("x-{field}"), |_| "x-same".to_owned()] {
            let mut headers = list(MAX_FIELDS, name).unwrap();
            headers.insert("x-one-more", HeaderValue::from_static("1"));
            assert!(list(MAX_FIELDS + 1, name).is_err());
        }
    }

    #[test]
    fn the_connections_own_headers_go() {
        let mut headers = split(b"connection\nx-hop, close\nx-hop\n1\nte\ntrailers\nx-end\n2").unwrap();
        strip_hop_by_hop(&mut headers);
        assert_eq!(join(&headers), "x-end\n2");
    }
}
