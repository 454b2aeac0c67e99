//! A request as an agent makes it.

use deno_core::url::Url;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::answer::Answer;
use super::upstream::Behaviour;

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    /// Whether it asks for a WebSocket.
    pub(super) websocket: bool,
    /// What the asked upstream answers; strangers echo without.
    pub(super) answer: Option<Answer>,
    /// What all upstreams do instead.
    pub(super) behaviour: Option<Behaviour>,
}

impl Ask {
    /// One without headers and body, if an agent can ask for it.
    pub(super) fn new(method: &str, url: &str) -> Option<Self> {
        Some(Self {
            method: Method::from_bytes(method.as_bytes()).ok()?,
            url: parse(url)?,
            headers: HeaderMap::new(),
            body: None,
            websocket: false,
            answer: None,
            behaviour: None,
        })
    }

    /// With a header more. One that is not valid is left out.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value.as_bytes())) {
            self.headers.append(name, value);
        }
        self
    }

    /// With a body, of a type.
    pub(super) fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.headers.remove(header::CONTENT_TYPE);
        self.header("content-type", kind)
    }

    /// As a handshake.
    pub(super) fn websocket(mut self) -> Self {
        self.websocket = true;
        self
    }

    /// With an upstream that answers so.
    pub(super) fn answered(mut self, answer: Answer) -> Self {
        self.answer = Some(answer);
        self
    }

    pub(super) fn upstreams(mut self, behaviour: Behaviour) -> Self {
        self.behaviour = Some(behaviour);
        self
    }
}

/// A URL that `new Request()` takes.
pub(super) fn parse(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_fragment(None);
    Some(url)
}
