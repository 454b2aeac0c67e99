//! Trailer fields (RFC 9110, section 6.5): what a message says behind its body. They belong to the body: who hands it on unread hands
//! them on, and no script sees them.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName};

use crate::head;

/// How large they may be, as `head::size` counts it: more than gRPC's status needs, with its details.
pub const LARGEST: usize = 16 << 10;

/// The trailer fields of one body, which are known once it has ended. They may be read on another thread.
#[derive(Debug, Clone, Default)]
pub struct Trailers(Arc<OnceLock<HeaderMap>>);

/// They are larger than any may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

impl Trailers {
    /// They have come. What no trailer may say is left out.
    ///
    /// # Errors
    /// Where they are too large: none of them is taken.
    pub fn come(&self, fields: HeaderMap) -> Result<(), TooLarge> {
        if fields.len() > head::MAX_FIELDS || head::size(&fields) > LARGEST {
            return Err(TooLarge);
        }
        let _ = self.0.set(permitted(fields));
        Ok(())
    }

    /// These stand for others that have been looked through.
    pub(crate) fn stand(&self, fields: HeaderMap) {
        let _ = self.0.set(fields);
    }

    /// Those that have come, if any.
    pub fn get(&self) -> Option<&HeaderMap> {
        self.0.get().filter(|fields| !fields.is_empty())
    }

    /// The same without fields that the message's head has too: a recipient that merges both would not know whose word holds.
    pub fn beside(&self, head: &[HeaderName]) -> Option<HeaderMap> {
        let mut fields = self.get()?.clone();
        for name in head {
            fields.remove(name);
        }
        (!fields.is_empty()).then_some(fields)
    }
}

/// Those that mean something behind a body.
fn permitted(fields: HeaderMap) -> HeaderMap {
    let names: Vec<HeaderName> = fields
        .keys()
        .filter(|name| is_of_the_head(name.as_str()))
        .cloned()
        .collect();
    let mut fields = fields;
    head::strip_hop_by_hop(&mut fields);
    for name in names {
        fields.remove(name);
    }
    fields
}

/// Whether a field must be known before the body, or says who asks: how the message is framed, routed and read, authentication,
/// conditions, cookies, and who the client is (RFC 9110, section 6.5.1).
fn is_of_the_head(name: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        "content-",
        "if-",
        "proxy-",
        "x-forwarded-",
        "sec-",
        "access-control-",
        "cf-",
        "x-amz-",
        ":",
    ];
    const NAMES: [&str; 31] = [
        "accept",
        "accept-encoding",
        "age",
        "authorization",
        "cache-control",
        "cookie",
        "date",
        "expires",
        "forwarded",
        "from",
        "host",
        "location",
        "max-forwards",
        "origin",
        "pragma",
        "range",
        "referer",
        "retry-after",
        "set-cookie",
        "strict-transport-security",
        "true-client-ip",
        "user-agent",
        "vary",
        "via",
        "warning",
        "www-authenticate",
        "x-api-key",
        "x-http-method-override",
        "x-original-url",
        "x-real-ip",
        "x-rewrite-url",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let fields = list.iter();
        fields
            .map(|(name, value)| (HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn what_belongs_into_the_head_is_left_out() {
        let trailers = Trailers::default();
        let sent = fields(&[
            ("grpc-status", "0"),
            ("grpc-message", "fine"),
            ("digest", "sha-256=x"),
            ("host", "evil.example"),
            ("authorization", "Bearer x"),
            ("content-length", "3"),
            ("transfer-encoding", "chunked"),
            ("set-cookie", "a=b"),
            ("x-forwarded-for", "9.9.9.9"),
            ("cf-connecting-ip", "9.9.9.9"),
            ("te", "trailers"),
            ("connection", "digest"),
        ]);
        trailers.come(sent).unwrap();
        let kept = trailers.get().unwrap();
        assert_eq!(*kept, fields(&[("grpc-status", "0"), ("grpc-message", "fine")]));
        let beside = trailers.beside(&[HeaderName::from_static("grpc-message")]);
        assert_eq!(beside, Some(fields(&[("grpc-status", "0")])));
    }

    #[test]
    fn they_are_bounded() {
        let trailers = Trailers::default();
        let mut sent = HeaderMap::new();
        sent.insert("x-long", "y".repeat(LARGEST).parse().unwrap());
        assert_eq!(trailers.come(sent), Err(TooLarge));
        assert!(trailers.get().is_none());
    }
}
