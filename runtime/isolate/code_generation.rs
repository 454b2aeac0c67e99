//! Code that workers make of strings and of bytes.

use deno_core::{JsRuntime, scope, v8};
use workerd_lite_ops::Role;

/// The compatibility flag of workers that make none while they start either.
const NOT_AT_START: &str = "disallow_eval_during_startup";

/// Code that a worker makes while it runs. As on Workers an agent makes none, unless its owner allows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CodeGeneration {
    /// `eval()` and `new Function()`.
    pub strings: bool,
    /// WebAssembly that is compiled from bytes.
    pub wasm: bool,
}

impl CodeGeneration {
    /// What a role may do by default.
    pub const fn of(role: Role) -> Self {
        Self {
            strings: false,
            wasm: !matches!(role, Role::Agent),
        }
    }

    /// What it may do until its top level has run. As on Workers since 2025-06-01 that is all: where nothing has come from outside yet, what it
    /// makes code of is its own text. `differences`: compatibility flags that it has otherwise than by the newest date.
    pub(super) fn at_start(self, differences: &[String]) -> Self {
        if differences.iter().any(|flag| flag == NOT_AT_START) {
            return self;
        }
        Self {
            strings: true,
            wasm: true,
        }
    }
}

/// Has it hold from here on.
pub(super) fn set(code: CodeGeneration, runtime: &mut JsRuntime) {
    let wasm = if code.wasm { allow } else { refuse };
    runtime.v8_isolate().set_allow_wasm_code_generation_callback(wasm);
    scope!(scope, runtime);
    scope
        .get_current_context()
        .set_allow_generation_from_strings(code.strings);
}

/// Lets WebAssembly be compiled from bytes.
extern "C" fn allow(_context: v8::Local<'_, v8::Context>, _source: v8::Local<'_, v8::String>) -> bool {
    true
}

/// Refuses it.
extern "C" fn refuse(_context: v8::Local<'_, v8::Context>, _source: v8::Local<'_, v8::String>) -> bool {
    false
}
