//! Structured cloning within an isolate: https://html.spec.whatwg.org/#structuredserializeinternal. An object with a brand, under a
//! symbol that every script can name, is written as what its brand gives, and read by what is registered for the `type` in that.
//! deno_core's own calls that without looking whether it is there, and ends the process where it is not.

use deno_core::v8::{
    self, AllowJavascriptExecutionScope, Array, Function, Local, Object, PinScope, Symbol, Value, ValueDeserializer,
    ValueDeserializerHelper, ValueDeserializerImpl, ValueSerializer, ValueSerializerHelper, ValueSerializerImpl,
};
use deno_core::{JsBuffer, convert::Uint8Array, op2};
use deno_error::JsErrorBox;

use crate::resizable;

/// The key of the symbol, as deno's scripts have it.
const BRAND: &str = "Deno.core.hostObject";

/// In the place of a number of what is transferred.
const BRANDED: u32 = u32::MAX;

/// What V8 asks while it writes and reads.
struct Delegate<'a> {
    transferred: Option<Local<'a, Array>>,
    complain: Option<Local<'a, Function>>,
    brand: Option<Local<'a, Symbol>>,
    readers: Option<Local<'a, Object>>,
}

fn brand<'s>(scope: &PinScope<'s, '_, ()>) -> Option<Local<'s, Symbol>> {
    let key = v8::String::new(scope, BRAND)?;
    Some(Symbol::for_key(scope, key))
}

impl ValueSerializerImpl for Delegate<'_> {
    fn throw_data_clone_error<'s>(&self, scope: &mut PinScope<'s, '_>, message: Local<'s, v8::String>) {
        if let Some(complain) = self.complain {
            v8::tc_scope!(let scope, scope);
            let this = v8::undefined(scope).into();
            complain.call(scope, this, &[message.into()]);
            if scope.has_caught() || scope.has_terminated() {
                scope.rethrow();
                return;
            }
        }
        let error = v8::Exception::type_error(scope, message);
        scope.throw_exception(error);
    }

    fn has_custom_host_object(&self, _isolate: &v8::Isolate) -> bool {
        true
    }

    fn is_host_object<'s>(&self, scope: &mut PinScope<'s, '_>, object: Local<'s, Object>) -> Option<bool> {
        self.brand.map_or(Some(false), |brand| object.has(scope, brand.into()))
    }

    fn write_host_object<'s>(
        &self,
        scope: &mut PinScope<'s, '_>,
        object: Local<'s, Object>,
        output: &dyn ValueSerializerHelper,
    ) -> Option<bool> {
        if let Some(brand) = self.brand {
            let value = object.get(scope, brand.into())?;
            if let Ok(function) = value.try_cast::<Function>() {
                let plain = function.call(scope, object.into(), &[])?;
                output.write_uint32(BRANDED);
                output.write_value(scope.get_current_context(), plain);
                return Some(true);
            }
        }
        if let Some(transferred) = self.transferred {
            for number in 0..transferred.length() {
                if transferred.get_index(scope, number)? == object {
                    output.write_uint32(number);
                    return Some(true);
                }
            }
        }
        let message = v8::String::new(scope, "Unsupported object type")?;
        self.throw_data_clone_error(scope, message);
        None
    }

    fn get_wasm_module_transfer_id(
        &self,
        _scope: &mut PinScope<'_, '_>,
        _module: Local<v8::WasmModuleObject>,
    ) -> Option<u32> {
        None
    }
}

impl ValueDeserializerImpl for Delegate<'_> {
    fn read_host_object<'s>(
        &self,
        scope: &mut PinScope<'s, '_>,
        input: &dyn ValueDeserializerHelper,
    ) -> Option<Local<'s, Object>> {
        let mut number = 0;
        if !input.read_uint32(&mut number) {
            return None;
        }
        if number == BRANDED {
            return self.read_branded(scope, input);
        }
        self.transferred?.get_index(scope, number)?.try_cast::<Object>().ok()
    }
}

impl Delegate<'_> {
    fn read_branded<'s>(
        &self,
        scope: &mut PinScope<'s, '_>,
        input: &dyn ValueDeserializerHelper,
    ) -> Option<Local<'s, Object>> {
        let readers = self.readers?;
        let plain = input.read_value(scope.get_current_context())?;
        let key = v8::String::new(scope, "type")?;
        let kind = plain.try_cast::<Object>().ok()?.get(scope, key.into())?;
        // Anything else would be asked for its name, which is a script's to say, and none may run now.
        let kind = kind.try_cast::<v8::String>().ok()?;
        let reader = readers.get(scope, kind.into())?.try_cast::<Function>().ok()?;
        let this = v8::null(scope).into();
        let scope = std::pin::pin!(AllowJavascriptExecutionScope::new(scope));
        let scope = &mut scope.init();
        let read = reader.call(scope, this, &[plain])?;
        read.try_cast::<Object>().ok()
    }
}

/// The bytes of a value. `complain` is called with the words of what can not be cloned, and throws.
#[op2(reentrant)]
pub(crate) fn op_clone_write<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
    transferred: v8::Local<'s, v8::Value>,
    complain: v8::Local<'s, v8::Value>,
) -> Result<Uint8Array, JsErrorBox> {
    let delegate = Delegate {
        transferred: transferred.try_cast().ok(),
        complain: complain.try_cast().ok(),
        brand: brand(scope),
        readers: None,
    };
    let output = ValueSerializer::new(scope, Box::new(delegate));
    output.write_header();
    v8::tc_scope!(let scope, scope);
    let written = output.write_value(scope.get_current_context(), value);
    if scope.has_caught() || scope.has_terminated() {
        scope.rethrow();
        return Ok(Vec::new().into());
    }
    match written {
        Some(true) => Ok(output.release().into()),
        _ => Err(JsErrorBox::type_error("the value can not be cloned")),
    }
}

/// The value of these bytes. `readers` are the functions that make objects of what brands gave, by `type`.
#[op2(reentrant)]
pub(crate) fn op_clone_read<'s, 'i>(
    scope: &mut v8::PinScope<'s, 'i>,
    #[buffer] bytes: JsBuffer,
    transferred: v8::Local<'s, v8::Value>,
    readers: v8::Local<'s, v8::Value>,
) -> Result<v8::Local<'s, v8::Value>, JsErrorBox> {
    if resizable::at_most(&bytes) > resizable::MOST {
        return Err(JsErrorBox::range_error(format!(
            "could not deserialize value: it may have more than {} resizable buffers",
            resizable::MOST
        )));
    }
    let delegate = Delegate {
        transferred: transferred.try_cast().ok(),
        complain: None,
        brand: None,
        readers: readers.try_cast().ok(),
    };
    let input = ValueDeserializer::new(scope, Box::new(delegate), &bytes);
    let failed = || JsErrorBox::range_error("could not deserialize value");
    if !input.read_header(scope.get_current_context()).unwrap_or_default() {
        return Err(failed());
    }
    let value: Option<Local<'s, Value>> = input.read_value(scope.get_current_context());
    value.ok_or_else(failed)
}
