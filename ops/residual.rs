//! Evaluates scripts of ours that are in no snapshot, when they are first asked for. deno_core would do so too, but keeps of
//! their compiled code what V8 has before they run, which is without the functions that they are made of.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use deno_core::v8::script_compiler::{CompileOptions, NoCacheReason, Source, compile_function};
use deno_core::v8::{CachedData, Local, PinScope, ScriptOrigin, String as V8String};
use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

/// The scripts, and their compiled code. One is in the state of each isolate.
pub trait ResidualScripts {
    /// The body of the function that a script is: ASCII.
    fn source(&self, specifier: &str) -> Option<&'static str>;
    /// What was kept of this script.
    fn compiled(&self, specifier: &str) -> Option<Arc<[u8]>>;
    /// Keeps a script's compiled code, for other isolates.
    fn keep(&self, specifier: &str, compiled: &[u8]);
}

/// What an isolate evaluated. One is in its state.
#[derive(Default)]
pub struct Evaluated {
    /// How many scripts are being evaluated, each by the one before.
    depth: usize,
    /// Whether the isolate's modules are made: until then more of the same will be evaluated.
    made: bool,
    /// Those whose code is still to be kept.
    functions: Vec<Script>,
}

struct Script {
    specifier: String,
    function: v8::Global<v8::Function>,
    /// Whether it was compiled, because nothing good was kept of it.
    anew: bool,
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
    let compiled = scripts.compiled(&specifier);
    let (function, accepted) =
        compile(scope, &specifier, source, compiled.as_deref()).ok_or_else(|| failed(&specifier))?;
    state.borrow_mut().borrow_mut::<Evaluated>().depth += 1;
    let this = v8::undefined(scope).into();
    let value = function.call(scope, this, &[bootstrap]);
    let whole = {
        let mut state = state.borrow_mut();
        let evaluated = state.borrow_mut::<Evaluated>();
        evaluated.depth -= 1;
        if value.is_some() {
            evaluated.functions.push(Script {
                specifier: specifier.clone(),
                function: v8::Global::new(scope, function),
                anew: !accepted,
            });
        }
        evaluated.depth == 0 && evaluated.made
    };
    let Some(value) = value else {
        scope.rethrow();
        return Err(failed(&specifier));
    };
    if whole {
        // It is an event's time: no more than what is new.
        keep(scope, &state, false);
    }
    Ok(v8::Global::new(scope, value))
}

/// Says that an isolate's modules are made, before anything of the worker's own runs: what is kept of them holds what this
/// took, whatever the worker goes on to call.
pub fn modules_are_made(scope: &mut PinScope<'_, '_>, state: &Rc<RefCell<OpState>>) {
    state.borrow_mut().borrow_mut::<Evaluated>().made = true;
    keep(scope, state, true);
}

/// Keeps the compiled code of what is new among those that were evaluated. With `others` theirs too, where any is new: a
/// script that is new called functions of theirs which nobody had called.
fn keep(scope: &mut PinScope<'_, '_>, state: &Rc<RefCell<OpState>>, others: bool) {
    let (scripts, functions) = {
        let mut state = state.borrow_mut();
        let scripts = Rc::clone(state.borrow::<Rc<dyn ResidualScripts>>());
        (scripts, std::mem::take(&mut state.borrow_mut::<Evaluated>().functions))
    };
    let all = others && functions.iter().any(|script| script.anew);
    for script in functions.into_iter().filter(|script| all || script.anew) {
        if let Some(compiled) = Local::new(scope, script.function).create_code_cache() {
            scripts.keep(&script.specifier, &compiled);
        }
    }
}

/// What a script reads: which of our files it was tells it nothing that it could mend.
fn failed(specifier: &str) -> JsErrorBox {
    tracing::debug!("{specifier} could not be loaded");
    JsErrorBox::generic(
        "a built-in module can not be loaded: the script has changed objects that it is made with, as Object.prototype",
    )
}

/// The function, and whether the compiled code was good for it.
fn compile<'s>(
    scope: &mut PinScope<'s, '_>,
    specifier: &str,
    source: &'static str,
    compiled: Option<&[u8]>,
) -> Option<(Local<'s, v8::Function>, bool)> {
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
