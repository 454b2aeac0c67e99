//! Trailer fields (RFC 9110, section 6.5): what a message says behind its body. They belong to the body: who hands it on unread hands
//! them on, and no script sees them but those of Node's clients.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use deno_core::{OpState, Resource, ResourceId, op2};
use deno_error::JsErrorBox;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::BodyError;
use crate::events::Events;
use crate::head;
use crate::origin::EventId;

/// How large they may be, as `head::size` counts it: more than gRPC's status needs, with its details.
pub const LARGEST: usize = 16 << 10;

/// The trailer fields of one body, which are known once it has ended. They may be read on another thread.
#[derive(Debug, Clone, Default)]
pub struct Trailers {
    fields: Arc<OnceLock<HeaderMap>>,
    /// The names that the message's head says they will have. Over HTTP/1.1 no others are sent.
    announced: Arc<[HeaderName]>,
}

/// How many names of trailers a head may announce; what is more is not announced.
const MOST_ANNOUNCED: usize = 64;

/// They are larger than any may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

impl Trailers {
    /// Those of a message with this head.
    pub fn of(head: &HeaderMap) -> Self {
        if !head.contains_key(header::TRAILER) {
            return Self::default();
        }
        let values = head.get_all(header::TRAILER).iter();
        let names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let names = names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
        let names = names.filter(|name| !is_of_the_head(name.as_str()) && !head::is_hop_by_hop(name));
        Self {
            fields: Arc::default(),
            announced: names.take(MOST_ANNOUNCED).collect(),
        }
    }

    /// The same names, for others that will stand for these.
    #[must_use]
    pub fn renewed(&self) -> Self {
        Self {
            fields: Arc::default(),
            announced: Arc::clone(&self.announced),
        }
    }

    /// What the message's head says of their names, if anything.
    pub fn announcement(&self) -> Option<HeaderValue> {
        let names: Vec<&str> = self.announced.iter().map(HeaderName::as_str).collect();
        (!names.is_empty()).then(|| HeaderValue::from_str(&names.join(", ")).ok())?
    }

    /// They have come. What no trailer may say is left out.
    ///
    /// # Errors
    /// Where they are too large: none of them is taken.
    pub fn come(&self, fields: HeaderMap) -> Result<(), TooLarge> {
        if fields.len() > head::MAX_FIELDS || head::size(&fields) > LARGEST {
            return Err(TooLarge);
        }
        let _ = self.fields.set(permitted(fields));
        Ok(())
    }

    /// These stand for others that have been looked through.
    pub(crate) fn stand(&self, fields: HeaderMap) {
        let _ = self.fields.set(fields);
    }

    /// Those that have come, if any.
    pub fn get(&self) -> Option<&HeaderMap> {
        self.fields.get().filter(|fields| !fields.is_empty())
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

/// What will follow the body of a request or response that a script makes.
struct OfScript(Trailers);

impl Resource for OfScript {
    fn name(&self) -> Cow<'_, str> {
        "trailers".into()
    }
}

/// A script's body, and what will follow it.
pub(crate) struct Trailed {
    pub(crate) body: ResourceId,
    pub(crate) trailers: Trailers,
}

impl Resource for Trailed {
    fn name(&self) -> Cow<'_, str> {
        "trailed body".into()
    }
}

/// Takes a script's body together with trailers that the script will [say](op_trailers_say). `head` is that of the message, as header lists cross
/// into Rust. Gives the body's new resource, and that of its trailers.
#[op2]
#[serde]
pub(crate) fn op_trailers_follow(
    state: &mut OpState,
    #[smi] event: EventId,
    #[smi] body: ResourceId,
    #[string] head: &str,
) -> Result<(ResourceId, ResourceId), JsErrorBox> {
    let gone = || JsErrorBox::from_err(BodyError::Gone);
    let scope = state.borrow::<Events>().scope(event).ok_or_else(gone)?;
    let head = head::split(head.as_bytes()).map_err(JsErrorBox::from_err)?;
    let trailers = Trailers::of(&head);
    let of_script = state.resource_table.add(OfScript(trailers.clone()));
    let body = state.resource_table.add(Trailed { body, trailers });
    scope.own(of_script);
    scope.own(body);
    Ok((body, of_script))
}

/// Says what follows a body, before that ends. What no trailer may say is left out.
#[op2(fast)]
pub(crate) fn op_trailers_say(
    state: &mut OpState,
    #[smi] trailers: ResourceId,
    #[string] fields: &str,
) -> Result<(), JsErrorBox> {
    let of_script = state.resource_table.take::<OfScript>(trailers);
    let of_script = of_script.map_err(|_| JsErrorBox::from_err(BodyError::Gone))?;
    let fields = head::split(fields.as_bytes()).map_err(JsErrorBox::from_err)?;
    let come = of_script.0.come(fields);
    come.map_err(|TooLarge| JsErrorBox::type_error(format!("the trailers are larger than {LARGEST} bytes")))
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
    fn what_a_head_announces_is_what_may_follow() {
        let head = fields(&[("trailer", "X-Sum, content-length,te, ,Grpc-Status,a b")]);
        let trailers = Trailers::of(&head);
        assert_eq!(
            trailers.announcement(),
            Some(HeaderValue::from_static("x-sum, grpc-status"))
        );
        assert_eq!(Trailers::of(&HeaderMap::new()).announcement(), None);
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
