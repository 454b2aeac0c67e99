//! What `require()` asks of its host: what a specifier names among the files that were read at the start, and a file's code
//! as a function. Nothing here reads a file.

use std::cell::RefCell;
use std::rc::Rc;

use deno_core::{OpState, op2, v8};
use serde::Serialize;

/// The files of a worker, as `require()` sees them. Their names are absolute paths, in `/bundle`.
pub trait ModuleFiles {
    /// The name of the main module.
    fn main(&self) -> Option<String>;

    /// The name that a path or a `file:` URL stands for. Nothing where it is neither.
    fn origin(&self, from: &str) -> Option<String>;

    /// What a specifier names in the file `from`.
    fn resolve(&self, from: &str, specifier: &str) -> Named;

    /// A file. Nothing where there is none of this name.
    fn file(&self, name: &str) -> Option<ModuleFile>;

    /// The text of a JSON file.
    fn json(&self, name: &str) -> Option<&str>;

    /// A CommonJS file as a function of `exports`, `require`, `module`, `__filename` and `__dirname`. Nothing where there is
    /// none, or where V8 has thrown.
    fn compile<'s>(&self, scope: &mut v8::PinScope<'s, '_>, name: &str) -> Option<v8::Local<'s, v8::Function>>;
}

/// What a specifier names.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "value", rename_all = "lowercase")]
pub enum Named {
    /// A file, by its name.
    File(String),
    /// A module of Node's, with `node:`.
    Node(String),
    /// Another module of ours, by its specifier.
    Builtin(String),
    /// What a test has put in a module's place, by its number.
    Mock(u64),
    /// Nothing that is there.
    Missing,
    /// What a package's `exports` leave out: the message.
    NotExported(String),
    /// What a package's `imports` do not have: the message.
    NotDefined(String),
}

/// One file.
#[derive(Debug, Serialize)]
pub struct ModuleFile {
    /// How it is loaded.
    pub kind: FileKind,
    /// The URL that `import` has for it.
    pub url: String,
    /// Why it is not loaded, where it is not.
    pub failure: Option<String>,
}

/// How a file is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// By [`ModuleFiles::compile`].
    CommonJs,
    /// As an ES module.
    Module,
    /// By [`ModuleFiles::json`].
    Json,
    /// As the default export of what `import` gives: text, bytes, WebAssembly.
    Data,
    /// Not: it is machine code.
    Addon,
    /// As an object without properties: a package leaves it out of workers.
    Empty,
    /// Not: it is not of its language.
    Broken,
    /// Not: it can not be read.
    Unreadable,
}

/// The files of an isolate's worker, in its `OpState`.
#[derive(Clone)]
pub struct Requirable(pub Rc<dyn ModuleFiles>);

fn files(state: &RefCell<OpState>) -> Option<Rc<dyn ModuleFiles>> {
    state
        .borrow()
        .try_borrow::<Requirable>()
        .map(|files| Rc::clone(&files.0))
}

#[op2]
#[string]
pub(crate) fn op_module_main(state: Rc<RefCell<OpState>>) -> Option<String> {
    files(&state)?.main()
}

#[op2]
#[string]
pub(crate) fn op_module_origin(state: Rc<RefCell<OpState>>, #[string] from: &str) -> Option<String> {
    files(&state)?.origin(from)
}

#[op2]
#[serde]
pub(crate) fn op_module_resolve(state: Rc<RefCell<OpState>>, #[string] from: &str, #[string] specifier: &str) -> Named {
    files(&state).map_or(Named::Missing, |files| files.resolve(from, specifier))
}

#[op2]
#[serde]
pub(crate) fn op_module_file(state: Rc<RefCell<OpState>>, #[string] name: &str) -> Option<ModuleFile> {
    files(&state)?.file(name)
}

#[op2]
#[string]
pub(crate) fn op_module_json(state: Rc<RefCell<OpState>>, #[string] name: &str) -> Option<String> {
    files(&state)?.json(name).map(ToOwned::to_owned)
}

#[op2(reentrant)]
pub(crate) fn op_module_compile<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: Rc<RefCell<OpState>>,
    #[string] name: &str,
) -> v8::Local<'s, v8::Value> {
    let compiled = files(&state).and_then(|files| files.compile(scope, name));
    // What V8 has thrown is thrown on.
    compiled.map_or_else(|| v8::undefined(scope).into(), Into::into)
}
