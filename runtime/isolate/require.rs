//! The files of a worker for `require()`: `js/node/require.js`.

use std::sync::Arc;

use deno_core::v8;
use workerd_lite_ops::node::require::{ModuleFile, ModuleFiles, Named};

use super::loader::Purpose;
use super::modules::cache::{self, Key};
use super::modules::{Content, Graph};

/// What a CommonJS module's code is given.
const PARAMETERS: [&str; 5] = ["exports", "require", "module", "__filename", "__dirname"];

/// The modules of one isolate's worker.
pub(super) struct Files {
    graph: Arc<Graph>,
    purpose: Purpose,
}

impl Files {
    pub(super) fn new(graph: Arc<Graph>, purpose: Purpose) -> Self {
        Self { graph, purpose }
    }
}

impl ModuleFiles for Files {
    fn main(&self) -> Option<String> {
        self.graph.bundle_origin(self.graph.main().as_str())
    }

    fn origin(&self, from: &str) -> Option<String> {
        self.graph.bundle_origin(from)
    }

    fn resolve(&self, from: &str, specifier: &str) -> Named {
        self.graph.require_named(from, specifier, self.purpose.tests)
    }

    fn file(&self, name: &str) -> Option<ModuleFile> {
        self.graph.module_file(name)
    }

    fn json(&self, name: &str) -> Option<&str> {
        match &self.graph.by_bundle_name(name)?.1.content {
            Content::Json(text) => Some(text),
            _ => None,
        }
    }

    fn compile<'s>(&self, scope: &mut v8::PinScope<'s, '_>, name: &str) -> Option<v8::Local<'s, v8::Function>> {
        let (url, module) = self.graph.by_bundle_name(name)?;
        let Content::Script(source) = &module.content else {
            return None;
        };
        let source = self.purpose.script(module, source).ok()?;
        let text = v8::String::new(scope, &source)?;
        let url = v8::String::new(scope, url)?.into();
        let origin = v8::ScriptOrigin::new(scope, url, 0, 0, false, 0, None, false, false, false, None);
        let mut parameters = [v8::String::empty(scope); PARAMETERS.len()];
        for (parameter, name) in parameters.iter_mut().zip(PARAMETERS) {
            *parameter = v8::String::new(scope, name)?;
        }
        let key = self.purpose.keeps.then(|| key(&source));
        let kept = key.as_ref().and_then(cache::bytes);
        let (mut unit, options) = match &kept {
            Some(kept) => (
                v8::script_compiler::Source::new_with_cached_data(text, Some(&origin), v8::CachedData::new(kept)),
                v8::script_compiler::CompileOptions::ConsumeCodeCache,
            ),
            None => (
                v8::script_compiler::Source::new(text, Some(&origin)),
                v8::script_compiler::CompileOptions::NoCompileOptions,
            ),
        };
        let reason = v8::script_compiler::NoCacheReason::NoReason;
        let function = v8::script_compiler::compile_function(scope, &mut unit, &parameters, &[], options, reason)?;
        let was_taken = unit.get_cached_data().is_some_and(|data| !data.rejected());
        if let Some(key) = key.filter(|_| !was_taken) {
            if let Some(compiled) = function.create_code_cache() {
                cache::keep(&key, &compiled);
            }
        }
        Some(function)
    }
}

/// V8 compares no more of a source than its length.
fn key(source: &str) -> Key {
    Key::of("commonjs", &[source.as_bytes()])
}
