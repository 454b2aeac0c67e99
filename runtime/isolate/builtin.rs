//! The modules of ours that scripts import by name, such as `cloudflare:workers`.

use std::pin::pin;
use std::task::Poll;

use deno_core::{JsRuntime, v8};
use tokio::task::unconstrained;

use super::error::StartupError;

/// A module of ours that scripts may import, as `js/worker/boot.js` describes it.
pub(super) struct BuiltIn {
    name: String,
    source: String,
    exports: v8::Global<v8::Value>,
}

/// The global that a built-in module's source reads its exports from.
const MODULE: &str = "__workerdLiteModule";

pub(super) fn builtins(scope: &mut v8::PinScope<'_, '_>, functions: v8::Local<'_, v8::Array>) -> Option<Vec<BuiltIn>> {
    let list = functions.get_index(scope, 4)?;
    let list = v8::Local::<v8::Array>::try_from(list).ok()?;
    (0..list.length())
        .map(|index| {
            let module = list.get_index(scope, index)?;
            let module = v8::Local::<v8::Array>::try_from(module).ok()?;
            Some(BuiltIn {
                name: module.get_index(scope, 0)?.to_rust_string_lossy(scope),
                source: module.get_index(scope, 1)?.to_rust_string_lossy(scope),
                exports: {
                    let exports = module.get_index(scope, 2)?;
                    v8::Global::new(scope, exports)
                },
            })
        })
        .collect()
}

/// Evaluates a built-in module, so that the worker's imports find it.
pub(super) fn add_builtin(runtime: &mut JsRuntime, module: BuiltIn) -> Result<(), StartupError> {
    let failed = || StartupError::new(format!("the built-in module {} could not be made", module.name));
    let set = |runtime: &mut JsRuntime, exports: Option<&v8::Global<v8::Value>>| {
        deno_core::scope!(scope, runtime);
        let global = scope.get_current_context().global(scope);
        let key = v8::String::new(scope, MODULE)?.into();
        match exports {
            Some(exports) => {
                let exports = v8::Local::new(scope, exports);
                global.set(scope, key, exports)
            }
            None => global.delete(scope, key),
        }
    };
    set(runtime, Some(&module.exports)).ok_or_else(failed)?;
    let url = deno_core::url::Url::parse(&module.name).map_err(|_| failed())?;
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let loaded = {
        // As in `evaluate.rs`: what is ready must not say that it waits for its task's turn.
        let loading = pin!(unconstrained(
            runtime.load_side_es_module_from_code(&url, module.source.clone())
        ));
        loading.poll(&mut context)
    };
    let id = match loaded {
        Poll::Ready(Ok(id)) => id,
        Poll::Ready(Err(error)) => return Err(StartupError::new(format!("{}: {error}", module.name))),
        Poll::Pending => return Err(failed()),
    };
    let evaluating = pin!(unconstrained(runtime.mod_evaluate(id)));
    let done = evaluating.poll(&mut context);
    set(runtime, None).ok_or_else(failed)?;
    match done {
        Poll::Ready(Err(error)) => Err(StartupError::new(format!("{}: {error}", module.name))),
        _ => Ok(()),
    }
}
