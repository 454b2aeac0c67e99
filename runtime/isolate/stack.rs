//! `error.stack` as an author may read it, and no more: the frames of their own files, where they wrote them. Frames of ours
//! tell nothing, neither as text nor to `Error.prepareStackTrace`
//! (<https://v8.dev/docs/stack-trace-api#customizing-stack-traces>). Nothing here can panic: V8 calls it, whatever a script
//! has done to its objects, and while it is being terminated.

use std::cell::OnceCell;
use std::sync::Arc;

use deno_core::{JsRuntime, v8};

use super::modules::{Graph, Originals};

/// How much of an error's name and message is in its stack, in UTF-16 units.
const HEAD: usize = 64 << 10;

/// What is needed of V8's call sites, as it was before any script could change it.
struct CallSites {
    file_name: v8::Global<v8::Function>,
    to_string: v8::Global<v8::Function>,
    /// Made with the first stack: most isolates write none.
    placing: OnceCell<v8::Global<v8::Function>>,
    graph: Arc<Graph>,
}

/// The name of what is run here: no module of an author's is asked for, and no frame of it is told.
const OURS: &str = "ext:stack";

/// Where deno_core looks for the call sites of an error.
const CALL_SITES: &str = "deno_core::call_site_evals";

/// An error that has none there is one of loading to deno_core: an `import()` that ends with it rejects with another, which has its message
/// alone. This makes one in the place of V8's own, which a script can reach: nothing that it wrote runs while deno_core reads it.
const MAKE_CALL_SITES: &str = r"(() => {
  const unknown = () => null;
  const no = () => false;
  return (file, line, column) => [{
    __proto__: null,
    getFileName: () => file,
    getLineNumber: () => line,
    getColumnNumber: () => column,
    getEvalOrigin: unknown,
    getTypeName: unknown,
    getFunctionName: unknown,
    getMethodName: unknown,
    getPromiseIndex: unknown,
    isToplevel: no,
    isEval: no,
    isNative: no,
    isConstructor: no,
    isAsync: no,
    isPromiseAll: no,
  }];
})()";

/// Writes the stacks of an isolate from now on. Call it before the author's scripts run.
pub(super) fn write_stacks(runtime: &mut JsRuntime, graph: Arc<Graph>) -> Option<()> {
    runtime.v8_isolate().set_prepare_stack_trace_callback(keep_call_site);
    runtime.execute_script(OURS, "new Error().stack").ok()?;
    let isolate = runtime.v8_isolate();
    let found = isolate.remove_slot::<Found>()?;
    isolate.set_slot(CallSites {
        file_name: found.0,
        to_string: found.1,
        placing: OnceCell::new(),
        graph,
    });
    isolate.set_prepare_stack_trace_callback(prepare);
    Some(())
}

struct Found(v8::Global<v8::Function>, v8::Global<v8::Function>);

/// Looks at the first call site.
fn keep_call_site<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    _error: v8::Local<'s, v8::Value>,
    sites: v8::Local<'s, v8::Array>,
) -> v8::Local<'s, v8::Value> {
    let found = sites.get_index(scope, 0).and_then(|site| {
        let site = v8::Local::<v8::Object>::try_from(site).ok()?;
        let method = |name| {
            let key = v8::String::new(scope, name)?.into();
            let method = v8::Local::<v8::Function>::try_from(site.get(scope, key)?).ok()?;
            Some(v8::Global::new(scope, method))
        };
        Some(Found(method("getFileName")?, method("toString")?))
    });
    if let Some(found) = found {
        scope.set_slot(found);
    }
    v8::undefined(scope).into()
}

fn prepare<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Value>,
    sites: v8::Local<'s, v8::Array>,
) -> v8::Local<'s, v8::Value> {
    written(scope, error, sites).unwrap_or_else(|| v8::String::empty(scope).into())
}

/// The stack. Nothing where the script throws or is terminated meanwhile.
fn written<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Value>,
    sites: v8::Local<'s, v8::Array>,
) -> Option<v8::Local<'s, v8::Value>> {
    let known = scope.get_slot::<CallSites>()?;
    let (file_name, to_string) = (known.file_name.clone(), known.to_string.clone());
    let graph = Arc::clone(&known.graph);
    let file_name = v8::Local::new(scope, file_name);
    let to_string = v8::Local::new(scope, to_string);

    let mut own = Vec::new();
    for index in 0..sites.length() {
        let site = sites.get_index(scope, index)?;
        let file = file_name.call(scope, site, &[])?;
        let ours = file.is_string() && file.to_rust_string_lossy(scope).starts_with("ext:");
        if !ours {
            own.push(site);
        }
    }
    if let Some(site) = own.first() {
        let file = file_name.call(scope, *site, &[])?;
        let site = to_string.call(scope, *site, &[])?.to_rust_string_lossy(scope);
        keep_place(scope, error, file, &site)?;
    }
    if let Some((constructor, prepare)) = authors_own(scope) {
        let sites = v8::Array::new_with_elements(scope, &own).into();
        let written = prepare.call(scope, constructor.into(), &[error, sites])?;
        return without_ours(scope, written);
    }
    let mut text = head(scope, error);
    let mut originals = Originals::of(&graph);
    for site in own {
        let site = to_string.call(scope, site, &[])?.to_rust_string_lossy(scope);
        text.push_str("\n    at ");
        text.push_str(&originals.position(&site).unwrap_or(site));
    }
    Some(v8::String::new(scope, &text)?.into())
}

/// Tells deno_core which of the author's lines was running when the error was made, `site` as V8 writes it.
fn keep_place(
    scope: &mut v8::PinScope<'_, '_>,
    error: v8::Local<'_, v8::Value>,
    file: v8::Local<'_, v8::Value>,
    site: &str,
) -> Option<()> {
    let Ok(error) = v8::Local::<v8::Object>::try_from(error) else {
        return Some(());
    };
    let mut numbers = site.trim_end_matches(')').rsplitn(3, ':').map(str::parse::<i32>);
    let mut number = || match numbers.next() {
        Some(Ok(number)) => v8::Integer::new(scope, number).into(),
        _ => v8::null(scope).into(),
    };
    let (column, line) = (number(), number());
    let make_call_sites = make_call_sites(scope)?;
    let this = v8::undefined(scope).into();
    let call_sites = make_call_sites.call(scope, this, &[file, line, column])?;
    let name = v8::String::new(scope, CALL_SITES)?;
    let key = v8::Private::for_api(scope, Some(name));
    error.set_private(scope, key, call_sites)?;
    Some(())
}

/// Literals alone: whatever a script has changed makes no difference to it.
fn make_call_sites<'s>(scope: &mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Function>> {
    let made = scope.get_slot::<CallSites>()?.placing.get().cloned();
    if let Some(made) = made {
        return Some(v8::Local::new(scope, made));
    }
    let source = v8::String::new(scope, MAKE_CALL_SITES)?;
    let name = v8::String::new(scope, OURS)?.into();
    let origin = v8::ScriptOrigin::new(scope, name, 0, 0, false, -1, None, false, false, false, None);
    let made = v8::Script::compile(scope, source, Some(&origin))?.run(scope)?;
    let made = v8::Local::<v8::Function>::try_from(made).ok()?;
    let kept = v8::Global::new(scope, made);
    scope.get_slot::<CallSites>()?.placing.get_or_init(|| kept);
    Some(made)
}

/// `Error.prepareStackTrace`, where the author has set it.
fn authors_own<'s>(
    scope: &mut v8::PinScope<'s, '_>,
) -> Option<(v8::Local<'s, v8::Object>, v8::Local<'s, v8::Function>)> {
    v8::tc_scope!(let scope, scope);
    let global = scope.get_current_context().global(scope);
    let key = v8::String::new(scope, "Error")?.into();
    let constructor = v8::Local::<v8::Object>::try_from(global.get(scope, key)?).ok()?;
    let key = v8::String::new(scope, "prepareStackTrace")?.into();
    let prepare = v8::Local::<v8::Function>::try_from(constructor.get(scope, key)?).ok()?;
    Some((constructor, prepare))
}

/// What the author's function gives, without lines of ours: while it runs V8 writes the stacks of further errors by itself, all of their
/// frames.
fn without_ours<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    written: v8::Local<'s, v8::Value>,
) -> Option<v8::Local<'s, v8::Value>> {
    let Ok(string) = v8::Local::<v8::String>::try_from(written) else {
        return Some(written);
    };
    let text = string.to_rust_string_lossy(scope);
    if !text.lines().any(is_ours) {
        return Some(written);
    }
    let own: Vec<&str> = text.lines().filter(|line| !is_ours(line)).collect();
    Some(v8::String::new(scope, &own.join("\n"))?.into())
}

/// Whether a line of a stack is a frame of a file of ours.
fn is_ours(line: &str) -> bool {
    let frame = line.trim_start().strip_prefix("at ");
    frame.is_some_and(|frame| frame.starts_with("ext:") || frame.contains("(ext:") || frame.contains(" ext:"))
}

/// `Name: message`, as V8 writes it.
fn head(scope: &mut v8::PinScope<'_, '_>, error: v8::Local<'_, v8::Value>) -> String {
    let Ok(error) = v8::Local::<v8::Object>::try_from(error) else {
        return String::new();
    };
    let mut read = |name| {
        v8::tc_scope!(let scope, scope);
        let key = v8::String::new(scope, name)?.into();
        let value = error.get(scope, key).filter(|value| !value.is_undefined())?;
        let value = value.to_string(scope)?;
        let mut units = vec![0; value.length().min(HEAD)];
        value.write_v2(scope, 0, &mut units, v8::WriteFlags::empty());
        Some(String::from_utf16_lossy(&units))
    };
    let name = read("name").unwrap_or_else(|| "Error".into());
    let message = read("message").unwrap_or_default();
    match (name.is_empty(), message.is_empty()) {
        (true, _) => message,
        (_, true) => name,
        _ => format!("{name}: {message}"),
    }
}
