//! Values as bytes, by V8's serialiser. A script of ours has made the value of plain copies before, so that nothing of its author's runs
//! here: `js/rpc/copy.js`. What reads takes any bytes whatever.

use deno_core::v8::{
    self, AllowJavascriptExecutionScope, Function, Local, Object, PinScope, Value, ValueDeserializer,
    ValueDeserializerHelper, ValueDeserializerImpl, ValueSerializer, ValueSerializerHelper, ValueSerializerImpl,
};
use deno_error::JsErrorBox;
use memchr::memmem;

/// The properties of a marker: a kind of `js/rpc/objects.js`, and a number or what it is made of.
const KIND: &str = "kind";
const PLAIN: &str = "plain";

/// The kinds whose number is all there is: stubs, and streams to read and to write.
const NUMBERED: u32 = 3;

struct Writer<'a> {
    /// The prototype of the markers.
    markers: Local<'a, Value>,
}

impl ValueSerializerImpl for Writer<'_> {
    fn throw_data_clone_error<'s>(&self, scope: &mut PinScope<'s, '_>, message: Local<'s, v8::String>) {
        let error = v8::Exception::type_error(scope, message);
        scope.throw_exception(error);
    }

    fn has_custom_host_object(&self, _isolate: &v8::Isolate) -> bool {
        true
    }

    fn is_host_object<'s>(&self, scope: &mut PinScope<'s, '_>, object: Local<'s, Object>) -> Option<bool> {
        let prototype = object.get_prototype(scope)?;
        Some(prototype.strict_equals(self.markers))
    }

    fn write_host_object<'s>(
        &self,
        scope: &mut PinScope<'s, '_>,
        object: Local<'s, Object>,
        output: &dyn ValueSerializerHelper,
    ) -> Option<bool> {
        let (kind, plain) = (v8::String::new(scope, KIND)?, v8::String::new(scope, PLAIN)?);
        let kind = object
            .get_real_named_property(scope, kind.into())?
            .uint32_value(scope)?;
        let plain = object.get_real_named_property(scope, plain.into())?;
        output.write_uint32(kind);
        if kind < NUMBERED {
            output.write_uint32(plain.uint32_value(scope)?);
            return Some(true);
        }
        output.write_value(scope.get_current_context(), plain)
    }

    fn get_wasm_module_transfer_id(
        &self,
        _scope: &mut PinScope<'_, '_>,
        _module: Local<v8::WasmModuleObject>,
    ) -> Option<u32> {
        None
    }
}

/// The bytes of a value, or what V8 says of it, which is thrown.
pub(crate) fn write<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: Local<'s, Value>,
    markers: Local<'s, Value>,
) -> Result<Option<Vec<u8>>, JsErrorBox> {
    let output = ValueSerializer::new(scope, Box::new(Writer { markers }));
    output.write_header();
    v8::tc_scope!(let scope, scope);
    let written = output.write_value(scope.get_current_context(), value);
    if scope.has_caught() || scope.has_terminated() {
        scope.rethrow();
        return Ok(None);
    }
    match written {
        Some(true) => Ok(Some(output.release())),
        _ => Err(JsErrorBox::type_error("the value can not be serialized")),
    }
}

struct Reader<'a> {
    /// Makes what stands for itself, by its kind, and its number in the message or what it is made of.
    make: Local<'a, Function>,
}

impl ValueDeserializerImpl for Reader<'_> {
    fn read_host_object<'s>(
        &self,
        scope: &mut PinScope<'s, '_>,
        input: &dyn ValueDeserializerHelper,
    ) -> Option<Local<'s, Object>> {
        let (mut kind, mut number) = (0, 0);
        if !input.read_uint32(&mut kind) {
            return None;
        }
        let plain = if kind < NUMBERED {
            if !input.read_uint32(&mut number) {
                return None;
            }
            v8::Integer::new_from_unsigned(scope, number).into()
        } else {
            input.read_value(scope.get_current_context())?
        };
        let this = v8::null(scope).into();
        let scope = std::pin::pin!(AllowJavascriptExecutionScope::new(scope));
        let scope = &mut scope.init();
        let kind = v8::Integer::new_from_unsigned(scope, kind).into();
        let made = self.make.call(scope, this, &[kind, plain])?;
        made.try_cast::<Object>().ok()
    }
}

/// The value of these bytes. `make` throws for what it does not know.
pub(crate) fn read<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    bytes: &[u8],
    make: Local<'s, Function>,
) -> Result<Local<'s, Value>, JsErrorBox> {
    let failed = || JsErrorBox::type_error("the message can not be read");
    let input = ValueDeserializer::new(scope, Box::new(Reader { make }), bytes);
    let context = scope.get_current_context();
    let value = match input.read_header(context) {
        Some(true) => input.read_value(context),
        _ => None,
    };
    // What V8 has thrown, or a script of ours, is said in our words: nothing of the message's runs on.
    let value = value.ok_or_else(failed)?;
    if !may_have_proto(bytes) {
        return Ok(value);
    }
    let this = v8::null(scope).into();
    let kind = v8::Integer::new(scope, WITHOUT_PROTO).into();
    make.call(scope, this, &[kind, value]).ok_or_else(failed)
}

/// Asks `make` to take own properties called `__proto__` from what was read. No message can name this kind.
const WITHOUT_PROTO: i32 = -1;

/// Whether a message may have a property called `__proto__`: a program that copies or merges what it was given would change a prototype by it.
/// V8 writes a name in bytes or in units of two.
fn may_have_proto(bytes: &[u8]) -> bool {
    const NARROW: &[u8] = b"__proto__";
    const WIDE: &[u8] = b"_\0_\0p\0r\0o\0t\0o\0_\0_\0";
    memmem::find(bytes, NARROW).is_some() || memmem::find(bytes, WIDE).is_some()
}

#[cfg(test)]
mod tests {
    use super::may_have_proto;

    #[test]
    fn names_are_found_in_both_widths() {
        let wide: Vec<u8> = "x__proto__".encode_utf16().flat_map(u16::to_ne_bytes).collect();
        assert!(may_have_proto(b"o\"\x09__proto__o{\0{\x01") && may_have_proto(&wide));
        assert!(!may_have_proto(b"o\"\x05proto_{\x01"));
    }
}
