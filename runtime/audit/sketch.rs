//! What a body looks like, without what it says: enough to write a test that sends one of the same shape.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use deno_core::url::form_urlencoded;
use futures_util::StreamExt as _;
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};
use workerd_lite_ops::Body;

/// The most bytes of a body that are looked at.
const LONGEST: usize = 16 << 10;

/// The longest text that may be a word like `delete`, in bytes.
const WORD: usize = 20;

/// What stands for what a text says.
const MASK: &str = "***";

/// Parts of names whose values are never shown.
const PRIVATE: [&str; 11] = [
    "auth", "code", "cookie", "cred", "key", "pass", "pin", "secret", "session", "sig", "token",
];

/// A body that passes by.
#[derive(Debug, Default)]
pub(crate) struct Sketch {
    kind: String,
    coded: bool,
    seen: Rc<RefCell<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    start: Vec<u8>,
    bytes: u64,
}

impl Seen {
    fn add(&mut self, chunk: &Bytes) {
        self.bytes += chunk.len() as u64;
        let left = LONGEST.saturating_sub(self.start.len());
        self.start.extend_from_slice(&chunk[..chunk.len().min(left)]);
    }
}

impl Sketch {
    /// Looks at a body, and gives the same back.
    pub(crate) fn of(headers: &HeaderMap, body: Body) -> (Self, Body) {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let sketch = Self {
            kind: kind.unwrap_or_default().to_ascii_lowercase(),
            coded: headers.contains_key(header::CONTENT_ENCODING),
            seen: Rc::default(),
        };
        if let Body::Full(bytes) = &body {
            sketch.seen.borrow_mut().add(bytes);
        }
        let seen = Rc::clone(&sketch.seen);
        let body = body.map_stream(|stream| {
            stream
                .inspect(move |chunk| {
                    if let Ok(chunk) = chunk {
                        seen.borrow_mut().add(chunk);
                    }
                })
                .boxed_local()
        });
        (sketch, body)
    }

    /// What has passed by so far: `bytes`, and a `text` of the same shape where it is text.
    pub(crate) fn shown(&self) -> Value {
        let seen = self.seen.borrow();
        if seen.bytes == 0 {
            return Value::Null;
        }
        let text = (!self.coded && seen.bytes <= LONGEST as u64).then(|| self.text(&seen.start));
        let short = self.kind.len() <= 100;
        json!({ "bytes": seen.bytes, "type": short.then_some(&self.kind), "text": text.flatten() })
    }

    fn text(&self, bytes: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes).ok()?;
        if let Ok(mut value) = serde_json::from_str::<Value>(text) {
            mask(&mut value, false);
            return Some(value.to_string());
        }
        if self.kind.starts_with("application/x-www-form-urlencoded") {
            let pairs = form_urlencoded::parse(bytes).map(|(name, _)| (name, MASK));
            return Some(
                form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(pairs)
                    .finish(),
            );
        }
        Some(MASK.to_owned())
    }
}

/// Masks what texts say. Words such as an action's name stay, unless their field's name says that they are private.
fn mask(value: &mut Value, private: bool) {
    match value {
        Value::String(text) if private || !is_word(text) => MASK.clone_into(text),
        Value::Number(_) if private => *value = json!(0),
        Value::Array(values) => values.iter_mut().for_each(|value| mask(value, private)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                mask(value, private || is_private(name));
            }
            let strange = |name: &str| name.len() > 64 || name.bytes().filter(u8::is_ascii_digit).count() > 4;
            if fields.keys().any(|name| strange(name)) {
                // Names may be data.
                let mut masked = 0;
                let named = std::mem::take(fields).into_iter().map(|(name, value)| {
                    if !strange(&name) {
                        return (name, value);
                    }
                    masked += 1;
                    (format!("{MASK}{masked}"), value)
                });
                *fields = named.collect::<Map<_, _>>();
            }
        }
        _ => {}
    }
}

/// Whether a name says that its value is private.
pub(super) fn is_private(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    PRIVATE.iter().any(|part| lower.contains(part))
}

/// Whether a text is a word such as `delete`.
pub(super) fn is_word(text: &str) -> bool {
    text.len() <= WORD
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketched(kind: &'static str, text: &str) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        let body = Body::Full(Bytes::copy_from_slice(text.as_bytes()));
        Sketch::of(&headers, body).0.shown()["text"].take()
    }

    #[test]
    fn the_shape_stays_and_what_is_said_goes() {
        let said =
            r#"{"action":"delete","count":3,"password":"hunter","pin":1234,"a":["Hello you",true,null],"k1234567":1}"#;
        let shown = sketched("application/json", said);
        let shown: Value = serde_json::from_str(shown.as_str().unwrap()).unwrap();
        assert_eq!(
            shown,
            json!({
                "action": "delete", "count": 3, "password": "***", "pin": 0, "a": ["***", true, null], "***1": 1
            })
        );
        assert_eq!(sketched("application/x-www-form-urlencoded", "a=1&b=s"), "a=***&b=***");
        assert_eq!(sketched("text/plain", "s3cret"), "***");
        assert_eq!(Sketch::default().shown(), Value::Null);
    }
}
