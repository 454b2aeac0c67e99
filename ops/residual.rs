//! Evaluates scripts of ours that are in no snapshot, when they are first asked for. deno_core would do so too, but keeps of
//! their compiled code what V8 has before they run, which is without the functions that they are made of.

use std::cell::RefCell;
use std::rc::Rc;

use deno_core::v8::script_compiler::{CompileOptions, NoCacheReason, Source, compile_function};
use deno_core::v8::{CachedData, Function, Local, PinScope, ScriptOrigin, String as V8String};
use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

/// The scripts, and their compiled code. One is in the state of each isolate.
pub trait ResidualScripts {
    /// The body of the function that a script is: ASCII.
    fn source(&self, specifier: &str) -> Option<&'static str>;
    /// What was kept of this source.
    fn compiled(&self, source: &'static str) -> Option<&'static [u8]>;
    /// Keeps a source's compiled code, for other isolates.
    fn keep(&self, source: &'static str, compiled: &[u8]);
}

/// What a script gives, called with `bootstrap` as its `__bootstrap`. What it throws stays thrown.
#[op2(reentrant)]
pub(crate) fn op_residual_script(
    scope: &mut v8::PinScope,
    state: Rc<RefCell<OpState>>,
    #[string] specifier: String,
    bootstrap: v8::Local<v8::Value>,
) -> Result<v8::Global<v8::Value>, JsErrorBox> {
    let scripts = Rc::clone(state.borrow().borrow::<Rc<dyn ResidualScripts>>());
    let source = scripts
        .source(&specifier)
        .ok_or_else(|| JsErrorBox::generic(format!("no script {specifier} is in the program")))?;
    v8::tc_scope!(let scope, scope);
    let compiled = scripts.compiled(source);
    let mut function = compile(scope, &specifier, source, compiled);
    let rejected = compiled.is_some() && function.as_ref().is_some_and(|(_, accepted)| !accepted);
    let (function, _) = function.take().ok_or_else(|| failed(&specifier))?;
    let this = v8::undefined(scope).into();
    let Some(value) = function.call(scope, this, &[bootstrap]) else {
        scope.rethrow();
        return Err(failed(&specifier));
    };
    if compiled.is_none() || rejected {
        // Now, so that the functions which ran are in it.
        if let Some(compiled) = function.create_code_cache() {
            scripts.keep(source, &compiled);
        }
    }
    Ok(v8::Global::new(scope, value))
}

fn failed(specifier: &str) -> JsErrorBox {
    JsErrorBox::generic(format!("{specifier} could not be loaded"))
}

/// The function, and whether the compiled code was good for it.
fn compile<'s>(
    scope: &mut PinScope<'s, '_>,
    specifier: &str,
    source: &'static str,
    compiled: Option<&'static [u8]>,
) -> Option<(Local<'s, Function>, bool)> {
    let name = V8String::new(scope, specifier)?;
    let origin = ScriptOrigin::new(scope, name.into(), 0, 0, false, -1, None, false, false, false, None);
    let text = V8String::new_external_onebyte_static(scope, source.as_bytes())?;
    let (mut source, options) = match compiled {
        Some(data) => (
            Source::new_with_cached_data(text, Some(&origin), CachedData::new(data)),
            CompileOptions::ConsumeCodeCache,
        ),
        None => (Source::new(text, Some(&origin)), CompileOptions::NoCompileOptions),
    };
    let parameter = V8String::new(scope, "__bootstrap")?;
    let function = compile_function(scope, &mut source, &[parameter], &[], options, NoCacheReason::NoReason)?;
    let accepted = source.get_cached_data().is_some_and(|data| !data.rejected());
    Some((function, accepted))
}
