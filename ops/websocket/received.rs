//! What a script is given of a frame.

use deno_core::convert::Uint8Array;
use deno_core::{ToV8, v8};
use deno_error::JsErrorBox;

use super::lane::Frame;

/// A string for text, null where the peer is gone, and for all else an object that has no prototype, because a promise would ask for
/// `then` in it: `{ bytes }`, `{ code, reason }` or `{ failure }`.
pub(crate) struct Received(pub(super) Option<Frame>);

impl<'a> ToV8<'a> for Received {
    type Error = JsErrorBox;

    fn to_v8(self, scope: &mut v8::PinScope<'a, '_>) -> Result<v8::Local<'a, v8::Value>, JsErrorBox> {
        let (names, values): (&[&str], [v8::Local<'a, v8::Value>; 2]) = match self.0 {
            // No WebSocket has TLS of its own.
            None | Some(Frame::StartTls(_)) => return Ok(v8::null(scope).into()),
            Some(Frame::Text(text)) => {
                let text = v8::String::new_from_utf8(scope, &text, v8::NewStringType::Normal);
                return text.map(Into::into).ok_or_else(too_long);
            }
            Some(Frame::Binary(bytes)) => {
                let bytes = Uint8Array::from(bytes.to_vec()).to_v8(scope);
                let bytes = bytes.map_err(JsErrorBox::from_err)?;
                (&["bytes"], [bytes, bytes])
            }
            Some(Frame::Close(code, reason)) => (
                &["code", "reason"],
                [
                    v8::Integer::new(scope, code.into()).into(),
                    string(scope, &reason)?.into(),
                ],
            ),
            Some(Frame::Failed(why)) => {
                let why = string(scope, &why)?;
                (&["failure"], [why.into(), why.into()])
            }
        };
        let mut keys = Vec::with_capacity(names.len());
        for name in names {
            keys.push(string(scope, name)?.into());
        }
        let prototype = v8::null(scope).into();
        let object = v8::Object::with_prototype_and_properties(scope, prototype, &keys, &values[..keys.len()]);
        Ok(object.into())
    }
}

fn too_long() -> JsErrorBox {
    JsErrorBox::range_error("the message is longer than a string may be")
}

fn string<'a>(scope: &mut v8::PinScope<'a, '_>, text: &str) -> Result<v8::Local<'a, v8::String>, JsErrorBox> {
    v8::String::new(scope, text).ok_or_else(too_long)
}
