//! Blank isolates: read from the snapshot, and no worker's yet. Reading is most of what a boot takes, so that a thread with time may do it
//! before anybody asks. Every isolate is one of these first: that it has waited, no worker can tell.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use deno_core::url::Url;
use deno_core::{
    JsRuntime, ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleResolveResponse,
    ResolutionKind, RuntimeOptions, v8,
};
use deno_error::JsErrorBox;
use workerd_lite_ops::{Role, extensions, thread_cpu};

use super::buffers::Buffers;
use super::guard::Guarded;
use super::loader::GraphLoader;
use super::worker::Worker;
use crate::limits::{Culprit, Limits};

/// The young generation of a worker with Node's modules, in bytes: V8 takes a third of it for what is new.
const YOUNG: usize = 3 * 2 * 1024 * 1024;

/// What is settled of an isolate when it is made. All else is its worker's, and comes when that boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlankKind {
    role: Role,
    /// Bytes that its heap may have.
    heap: usize,
    /// Whether it imports Node's modules.
    node: bool,
}

impl BlankKind {
    /// One that runs nothing.
    pub(super) fn least() -> Self {
        Self {
            role: Role::Agent,
            heap: Limits::AGENT.heap,
            node: false,
        }
    }

    /// Node's modules stay, and are more than V8's first young generation holds: it would copy what it has twice while
    /// they are made, and hold both copies.
    fn heap(self) -> v8::CreateParams {
        let params = v8::CreateParams::default().heap_limits(0, self.heap);
        if !self.node {
            return params;
        }
        let most = params.max_young_generation_size_in_bytes().max(YOUNG);
        params
            .set_max_young_generation_size_in_bytes(most)
            .set_initial_young_generation_size_in_bytes(YOUNG)
    }
}

impl Worker {
    /// What its isolates are made as.
    pub(crate) fn blank_kind(&self) -> BlankKind {
        BlankKind {
            role: self.role,
            heap: self.limits.heap,
            node: self.graph.builtins().any(|name| name.starts_with("node:")),
        }
    }
}

/// Throws where an import has another attribute than `type`: <https://tc39.es/ecma262/#sec-AllImportAttributesSupported>.
fn refuse_unknown(scope: &mut v8::PinScope, attributes: &HashMap<String, String>) {
    let Some(key) = attributes.keys().find(|key| *key != "type") else {
        return;
    };
    if let Some(words) = v8::String::new(
        scope,
        &format!("Unsupported import attribute: {key:?}, the only one is \"type\""),
    ) {
        let error = v8::Exception::type_error(scope, words);
        scope.throw_exception(error);
    }
}

/// An isolate of nobody's.
pub(crate) struct Blank {
    pub(super) runtime: Guarded,
    pub(super) modules: Rc<LateModules>,
    pub(super) buffers: Arc<Buffers>,
    kind: BlankKind,
    cost: Duration,
}

impl Blank {
    /// Makes one. Call it inside a tokio runtime, on the thread that will use it.
    pub(crate) fn make(kind: BlankKind) -> Self {
        let before = thread_cpu();
        let buffers = Buffers::new(usize::MAX);
        let modules = Rc::new(LateModules::default());
        let runtime = JsRuntime::new(RuntimeOptions {
            module_loader: Some(Rc::<LateModules>::clone(&modules)),
            extensions: extensions::extensions(Some(kind.role)),
            startup_snapshot: Some(workerd_lite_js::SNAPSHOT),
            residual_lazy_js_sources: workerd_lite_js::RESIDUAL_STUBS,
            skip_op_registration: true,
            validate_import_attributes_cb: Some(Box::new(|scope, attributes, _| refuse_unknown(scope, attributes))),
            create_params: Some(kind.heap().array_buffer_allocator(buffers.allocator())),
            ..RuntimeOptions::default()
        });
        Self {
            // It runs nothing until it is somebody's.
            runtime: Guarded::new(runtime, &Culprit::Owner("".into(), None)),
            modules,
            buffers,
            kind,
            cost: thread_cpu()
                .unwrap_or_default()
                .saturating_sub(before.unwrap_or_default()),
        }
    }

    /// What it was made as.
    pub(crate) fn kind(&self) -> BlankKind {
        self.kind
    }

    /// CPU time that it took to make.
    pub(crate) fn cost(&self) -> Duration {
        self.cost
    }
}

/// The modules of an isolate, once it has a worker.
#[derive(Default)]
pub(super) struct LateModules(OnceCell<GraphLoader>);

impl LateModules {
    /// They are these.
    pub(super) fn set(&self, loader: GraphLoader) {
        // The first stay.
        let _ = self.0.set(loader);
    }

    fn get(&self) -> Result<&GraphLoader, JsErrorBox> {
        self.0
            .get()
            .ok_or_else(|| JsErrorBox::generic("the isolate has no modules yet"))
    }
}

impl ModuleLoader for LateModules {
    fn resolve(&self, specifier: &str, referrer: &str, kind: ResolutionKind) -> ModuleResolveResponse {
        self.get()?.resolve(specifier, referrer, kind)
    }

    fn code_cache_ready(&self, url: Url, hash: u64, compiled: &[u8]) -> Pin<Box<dyn Future<Output = ()>>> {
        match self.0.get() {
            Some(loader) => loader.code_cache_ready(url, hash, compiled),
            None => Box::pin(std::future::ready(())),
        }
    }

    fn get_source_map(&self, file_name: &str) -> Option<Cow<'_, [u8]>> {
        self.0.get()?.get_source_map(file_name)
    }

    fn load(
        &self,
        specifier: &Url,
        referrer: Option<&ModuleLoadReferrer>,
        options: ModuleLoadOptions,
    ) -> ModuleLoadResponse {
        match self.get() {
            Ok(loader) => loader.load(specifier, referrer, options),
            Err(error) => ModuleLoadResponse::Sync(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::isolate::init_platform;
    use crate::isolate::modules::{GivenKind, GivenModule, Graph, NodeModules};

    fn worker(main: &str, limits: Limits) -> Worker {
        let module = GivenModule {
            name: "main.js".to_owned(),
            kind: GivenKind::Script,
            bytes: main.as_bytes().into(),
        };
        let graph = Arc::new(Graph::given(vec![module], "main.js", NodeModules::All).unwrap());
        Worker {
            limits,
            ..Worker::of("a".to_owned(), Role::Agent, graph)
        }
    }

    #[test]
    fn what_an_isolate_can_not_change_later_tells_kinds_apart() {
        init_platform();
        let plain = worker("export default {};", Limits::AGENT).blank_kind();
        assert_eq!(plain, worker("export const a = 1;", Limits::AGENT).blank_kind());
        let small = Limits {
            heap: 16 << 20,
            ..Limits::AGENT
        };
        assert_ne!(plain, worker("export default {};", small).blank_kind());
        assert_ne!(plain, worker("import \"node:path\";", Limits::AGENT).blank_kind());
        let blank = Blank::make(plain);
        assert_eq!(blank.kind(), plain);
        assert!(
            blank
                .modules
                .resolve("a", "file:///main.js", ResolutionKind::Import)
                .is_err()
        );
    }
}
