//! Values as bytes, by V8's serialiser. A script of ours has made the value of plain copies before, so that nothing of its author's runs
//! here: `js/rpc/copy.js`. What reads takes any bytes whatever.

use deno_core::v8::{
    self, AllowJavascriptExecutionScope, Function, Local, Object, PinScope, Value, ValueDeserializer,
    ValueDeserializerHelper, ValueDeserializerImpl, ValueSerializer, ValueSerializerHelper, ValueSerializerImpl,
};
use deno_error::JsErrorBox;

/// The property of a marker that says which capability it stands for.
const INDEX: &str = "index";

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
        let key = v8::String::new(scope, INDEX)?;
        let index = object.get_real_named_property(scope, key.into())?;
        output.write_uint32(index.uint32_value(scope)?);
        Some(true)
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
pub(crate) fn write<'s, 'i>(
    scope: &mut v8::PinScope<'s, 'i>,
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
    /// Makes the stub of a capability, by its number in the message.
    stubs: Local<'a, Function>,
}

impl ValueDeserializerImpl for Reader<'_> {
    fn read_host_object<'s>(
        &self,
        scope: &mut PinScope<'s, '_>,
        input: &dyn ValueDeserializerHelper,
    ) -> Option<Local<'s, Object>> {
        let mut index = 0;
        if !input.read_uint32(&mut index) {
            return None;
        }
        let this = v8::null(scope).into();
        let scope = std::pin::pin!(AllowJavascriptExecutionScope::new(scope));
        let scope = &mut scope.init();
        let index = v8::Integer::new_from_unsigned(scope, index).into();
        let stub = self.stubs.call(scope, this, &[index])?;
        stub.try_cast::<Object>().ok()
    }
}

/// The value of these bytes. `stubs` throws for a number that it does not know.
pub(crate) fn read<'s, 'i>(
    scope: &mut v8::PinScope<'s, 'i>,
    bytes: &[u8],
    stubs: Local<'s, Function>,
) -> Result<Local<'s, Value>, JsErrorBox> {
    let failed = || JsErrorBox::type_error("the message can not be read");
    let input = ValueDeserializer::new(scope, Box::new(Reader { stubs }), bytes);
    let context = scope.get_current_context();
    let value = match input.read_header(context) {
        Some(true) => input.read_value(context),
        _ => None,
    };
    // What V8 has thrown, or a script of ours, is said in our words: nothing of the message's runs on.
    value.ok_or_else(failed)
}
