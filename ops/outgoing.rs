//! Bodies on their way out of a script, as the argument of an op.

use bytes::Bytes;
use deno_core::{FromV8, OpState, ResourceId, v8};
use deno_error::JsErrorBox;

use crate::body::{Body, take_body};
use crate::error::BodyError;
use crate::external_memory::ExternalMemory;

/// Smaller bodies are bounded by the number of events, and not worth a count.
const COUNTED: usize = 16 << 10;

/// A body as a script gives it: nothing, text, bytes (copied, because the script keeps them) or a resource.
pub(crate) enum OutgoingBody {
    /// None.
    Empty,
    /// All of it.
    Full(Vec<u8>),
    /// A resource of the script's isolate.
    Resource(ResourceId),
}

impl OutgoingBody {
    /// Takes the body out of the isolate.
    pub(crate) fn take(self, state: &mut OpState) -> Result<Body, BodyError> {
        match self {
            Self::Empty => Ok(Body::Empty),
            Self::Full(bytes) if bytes.len() < COUNTED => Ok(Body::Full(Bytes::from(bytes))),
            Self::Full(bytes) => Ok(Body::Full(state.borrow::<ExternalMemory>().bytes(bytes)?)),
            Self::Resource(rid) => take_body(state, rid),
        }
    }
}

impl<'a> FromV8<'a> for OutgoingBody {
    type Error = JsErrorBox;

    fn from_v8<'i>(scope: &mut v8::PinScope<'a, 'i>, value: v8::Local<'a, v8::Value>) -> Result<Self, Self::Error> {
        if value.is_null_or_undefined() {
            Ok(Self::Empty)
        } else if value.is_string() {
            Ok(Self::Full(value.to_rust_string_lossy(scope).into_bytes()))
        } else if let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(value) {
            let mut bytes = vec![0; view.byte_length()];
            let copied = view.copy_contents(&mut bytes);
            bytes.truncate(copied);
            Ok(Self::Full(bytes))
        } else if let Some(rid) = value.is_uint32().then(|| value.uint32_value(scope)).flatten() {
            Ok(Self::Resource(rid))
        } else {
            Err(JsErrorBox::type_error("not a body"))
        }
    }
}
