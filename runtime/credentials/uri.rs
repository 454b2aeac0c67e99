//! URLs as AWS signs them: every byte but RFC 3986's unreserved ones is percent-encoded, once.

use deno_core::url::Url;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path's slashes stay.
const IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A URL's path in this form.
pub(super) fn path(url: &Url) -> String {
    let bytes: Vec<u8> = percent_decode_str(url.path()).collect();
    percent_encode(&bytes, IN_PATH).to_string()
}

/// What no path may hold as it is (RFC 3986, section 3.3), and URLs leave: who signs it and who checks it may differ.
const IN_NO_PATH: &AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A URL's path with these encoded, and all else as it is.
pub(super) fn plain_path(url: &Url) -> String {
    percent_encode(url.path().as_bytes(), IN_NO_PATH).to_string()
}

/// A URL's query in this form, in its own order. As in forms, a plus sign is a space. Fails where it is no UTF-8.
pub(super) fn query(url: &Url) -> Result<Option<String>, &'static str> {
    let Some(query) = url.query() else { return Ok(None) };
    let encoded = |text: &str| -> Result<String, &'static str> {
        let text = text.replace('+', " ");
        let decoded = percent_decode_str(&text)
            .decode_utf8()
            .map_err(|_| "the URL's query is no UTF-8")?;
        Ok(percent_encode(decoded.as_bytes(), RESERVED).to_string())
    };
    let pairs: Result<Vec<String>, &'static str> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            Ok(match pair.split_once('=') {
                Some((name, value)) => format!("{}={}", encoded(name)?, encoded(value)?),
                None => encoded(pair)?,
            })
        })
        .collect();
    Ok(Some(pairs?.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(target: &str) -> Url {
        format!("https://a.example{target}").parse().unwrap()
    }

    #[test]
    fn every_byte_is_encoded_once() {
        for (target, expected) in [
            ("/", "/"),
            ("/a-b_c.d~e", "/a-b_c.d~e"),
            ("/()='!*+:@,;&$", "/%28%29%3D%27%21%2A%2B%3A%40%2C%3B%26%24"),
            ("/%28a%20b%2B", "/%28a%20b%2B"),
            ("/caf\u{e9}/%c3%a9", "/caf%C3%A9/%C3%A9"),
            ("/%ff", "/%FF"),
            ("/100%", "/100%25"),
            ("/100%25", "/100%25"),
            ("/a%2Fb", "/a/b"),
            ("/a%2F..%2Fb", "/a/../b"),
            ("//a//b/", "//a//b/"),
            ("/[x]|^`{}", "/%5Bx%5D%7C%5E%60%7B%7D"),
        ] {
            assert_eq!(path(&url(target)), expected, "{target}");
        }
    }

    #[test]
    fn queries_too() {
        for (target, expected) in [
            ("/", None),
            ("/?", Some("")),
            ("/?acl", Some("acl")),
            ("/?acl=&b=/:?", Some("acl=&b=%2F%3A%3F")),
            ("/?b=1+2&&a=~(\u{e9})", Some("b=1%202&a=~%28%C3%A9%29")),
            ("/?a=%2B%20&a=*'", Some("a=%2B%20&a=%2A%27")),
            ("/?=x&a==", Some("=x&a=%3D")),
        ] {
            assert_eq!(query(&url(target)).unwrap().as_deref(), expected, "{target}");
        }
        assert!(query(&url("/?a=%ff")).is_err());
    }
}
