//! Values as our scripts take them.

use deno_core::v8;
use workerd_lite_ops::Target;

/// For whom an event is, what it calls, and with which props, as `js/worker/dispatch.js` takes them.
pub(super) fn parts(target: Option<&Target>) -> (Option<&str>, Option<&str>, Option<&str>) {
    match target {
        None => (None, None, None),
        Some(Target::Agent(agent)) => (Some(&**agent), None, None),
        Some(Target::Door(_, agent)) => (agent.as_deref(), None, None),
        Some(Target::Entrypoint { entrypoint, props }) => (None, entrypoint.as_deref(), Some(&**props)),
    }
}

pub(super) fn names<'s>(scope: &mut v8::PinScope<'s, '_>, path: &[String]) -> v8::Local<'s, v8::Value> {
    let names: Vec<_> = path.iter().map(|name| key(scope, name)).collect();
    v8::Array::new_with_elements(scope, &names).into()
}

pub(super) fn optional<'s>(scope: &mut v8::PinScope<'s, '_>, text: Option<&str>) -> v8::Local<'s, v8::Value> {
    match text {
        Some(text) => string(scope, text),
        None => v8::null(scope).into(),
    }
}

/// Bytes as a script of ours takes them, or null.
pub(super) fn bytes<'s>(scope: &mut v8::PinScope<'s, '_>, bytes: Option<&[u8]>) -> v8::Local<'s, v8::Value> {
    let Some(bytes) = bytes else {
        return v8::null(scope).into();
    };
    let store = v8::ArrayBuffer::new_backing_store_from_vec(bytes.to_vec()).make_shared();
    let buffer = v8::ArrayBuffer::with_backing_store(scope, &store);
    match v8::Uint8Array::new(scope, buffer, 0, bytes.len()) {
        Some(view) => view.into(),
        None => v8::null(scope).into(),
    }
}

pub(super) fn string<'s>(scope: &mut v8::PinScope<'s, '_>, text: &str) -> v8::Local<'s, v8::Value> {
    v8::String::new(scope, text)
        .unwrap_or_else(|| v8::String::empty(scope))
        .into()
}

/// The same for a name of a property, which V8 looks for by it.
fn key<'s>(scope: &mut v8::PinScope<'s, '_>, text: &str) -> v8::Local<'s, v8::Value> {
    v8::String::new_from_utf8(scope, text.as_bytes(), v8::NewStringType::Internalized)
        .unwrap_or_else(|| v8::String::empty(scope))
        .into()
}
