//! From the snapshot to a cell that takes events.

use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use deno_core::{JsRuntime, ModuleId, PollEventLoopOptions, RuntimeOptions, v8};
use workerd_lite_ops::clock::Clock;
use workerd_lite_ops::console::WorkerName;
use workerd_lite_ops::fetch::{EgressHandle, Subrequests};
use workerd_lite_ops::{Events, Inbox, Role, Termination, extensions};

use super::buffers::Buffers;
use super::builtin::{BuiltIn, add_builtin, builtins};
use super::cell::{Cell, Functions, Watched};
use super::coverage::{CoverageSink, Recorder};
use super::error::{StartupError, from_core};
use super::guard::Guarded;
use super::inspector::Inspection;
use super::limit::{FOREVER, limit};
use super::loader::GraphLoader;
use super::modules::{Confinement, Graph};
use crate::limits::{Limits, Turns};

/// Everything that an isolate is made from. It is shared between threads; each makes its own isolate of it.
#[derive(Debug, Clone)]
pub struct Worker {
    /// The name in logs.
    pub name: String,
    /// Whose script it is.
    pub role: Role,
    /// Its modules.
    pub graph: Arc<Graph>,
    /// What its `env` holds, as data.
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// Its bindings with `fetch()`, in the order that the [`EgressHandle`] counts them.
    pub bindings: Vec<BindingName>,
    /// Who hears at an isolate's end what of its scripts has run.
    pub coverage: Option<Arc<dyn CoverageSink>>,
    /// Where a debugger finds it.
    pub inspection: Option<Arc<Inspection>>,
    /// What it may use.
    pub limits: Limits,
}

/// A binding as scripts see it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BindingName {
    /// Its name in `env`.
    pub name: String,
    /// Whether it attaches a credential, which no redirect carries on.
    pub credential: bool,
}

/// Someone who may call a worker, as its scripts see them.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Caller {
    /// `ctx.agent`, as JSON. An agent's own callers have none.
    pub agent: Option<String>,
    /// `ctx.props`, as JSON.
    pub props: String,
    /// What joins the worker's `env` for this caller, as JSON.
    pub parameters: Option<String>,
    /// The export that is called; the default one without.
    pub entrypoint: Option<String>,
}

impl Caller {
    /// Nobody in particular: whoever calls an agent.
    pub fn anyone() -> Self {
        Self {
            props: "{}".into(),
            ..Self::default()
        }
    }
}

/// As on Workers: agents compile no WebAssembly from bytes.
extern "C" fn no_wasm(_context: v8::Local<'_, v8::Context>, _source: v8::Local<'_, v8::String>) -> bool {
    false
}

/// Starts V8. Call it once, on the main thread, before any other thread starts: with memory protection keys V8's
/// threads must descend from the one that initialised it.
pub fn init_platform() {
    JsRuntime::init_platform(None);
}

impl Worker {
    /// Reads a script and all that it imports, which must lie in the script's folder. Fails where one cannot be read or
    /// is no JavaScript. Its `env` is empty, and its name the file's.
    pub fn load(role: Role, script: &Path) -> Result<Self, StartupError> {
        let root = match script.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => ".".into(),
        };
        let confinement = Confinement {
            root,
            ..Confinement::default()
        };
        Ok(Self {
            name: script
                .file_stem()
                .map_or_else(|| "worker".into(), |stem| stem.to_string_lossy().into_owned()),
            role,
            graph: Arc::new(Graph::load(script, &confinement)?),
            vars: serde_json::Map::new(),
            bindings: Vec::new(),
            coverage: None,
            inspection: None,
            limits: match role {
                Role::Agent => Limits::AGENT,
                Role::Outbound | Role::Test => Limits::OUTBOUND,
            },
        })
    }

    /// Makes an isolate, evaluates the script and finds its handler for each caller. Events name their caller by its
    /// place among these. Call it inside a tokio runtime.
    pub async fn boot(&self, egress: EgressHandle, callers: &[Caller]) -> Result<Cell, StartupError> {
        self.boot_again(Rc::default(), egress, callers).await
    }

    /// The same, in the place of a cell that was stopped.
    pub async fn boot_again(
        &self,
        inbox: Rc<Inbox>,
        egress: EgressHandle,
        callers: &[Caller],
    ) -> Result<Cell, StartupError> {
        let buffers = Buffers::new(self.limits.buffers);
        let mut runtime = Guarded::new(self.new_runtime(&buffers));
        let turns = runtime.with(limit);
        buffers.watch(Arc::clone(&turns));
        let coverage = self.coverage.clone().map(|sink| {
            let recorder = runtime.with(Recorder::start);
            (recorder, sink)
        });
        runtime.with(|runtime| {
            let state = runtime.op_state();
            let mut state = state.borrow_mut();
            state.put(WorkerName(self.name.clone()));
            state.put(egress);
            state.put(Subrequests(self.effective_limits().subrequests));
            // Tests measure, and are their owner's.
            state.put(Clock::new(self.role != Role::Test));
            state.put(Events::new(Rc::clone(&inbox), self.effective_limits().wait_until));
        });
        let (functions, set_handler, modules) = runtime
            .with(|runtime| self.finish(runtime, callers))
            .ok_or_else(|| StartupError::new("the worker's global scope could not be made"))?;
        for module in modules {
            runtime.with(|runtime| add_builtin(runtime, module))?;
        }
        let listed = self.inspection.as_ref().map(|inspection| {
            let title = format!("{} {}", self.role.name(), self.name);
            let url = self.graph.main().to_string();
            runtime.with(|runtime| inspection.add(runtime, title, url))
        });
        let module = self.evaluate(&mut runtime, &turns).await?;
        runtime.with(|runtime| self.find_handler(runtime, module, &set_handler))?;
        let watched = Watched { coverage, listed };
        Ok(Cell::new(
            runtime,
            functions,
            inbox,
            self.name.clone(),
            watched,
            turns,
            self.effective_limits(),
        ))
    }

    /// Its limits: none of time for what is debugged, counted (which slows it down) or a test, which has another.
    pub(crate) fn effective_limits(&self) -> Limits {
        let mut limits = self.limits;
        if self.inspection.is_some() || self.coverage.is_some() || self.role == Role::Test {
            (limits.cpu, limits.startup, limits.wall, limits.wait_until) = (FOREVER, FOREVER, FOREVER, FOREVER);
        }
        if self.role == Role::Test {
            limits.subrequests = u32::MAX;
        }
        limits
    }

    fn loader(&self) -> GraphLoader {
        let debugged = self.inspection.is_some();
        // What is counted or debugged is compiled anew: code from a cache knows less of itself.
        let keeps = !debugged && self.coverage.is_none();
        GraphLoader::new(Arc::clone(&self.graph), debugged, keeps)
    }

    fn new_runtime(&self, buffers: &Arc<Buffers>) -> JsRuntime {
        JsRuntime::new(RuntimeOptions {
            module_loader: Some(Rc::new(self.loader())),
            extensions: extensions::extensions(Some(self.role)),
            startup_snapshot: Some(workerd_lite_js::SNAPSHOT),
            residual_lazy_js_sources: workerd_lite_js::RESIDUAL_SCRIPTS,
            skip_op_registration: true,
            create_params: Some(
                v8::CreateParams::default()
                    .heap_limits(0, self.limits.heap)
                    .array_buffer_allocator(buffers.allocator()),
            ),
            ..RuntimeOptions::default()
        })
    }

    /// Calls the boot function of `js/worker/boot.js`, which takes everything of ours off the global object.
    fn finish(
        &self,
        runtime: &mut JsRuntime,
        callers: &[Caller],
    ) -> Option<(Functions, v8::Global<v8::Function>, Vec<BuiltIn>)> {
        runtime.v8_isolate().set_allow_atomics_wait(false);
        if self.role == Role::Agent {
            runtime.v8_isolate().set_allow_wasm_code_generation_callback(no_wasm);
        }
        deno_core::scope!(scope, runtime);
        let context = scope.get_current_context();
        // As on Workers: no eval(), no new Function().
        context.set_allow_generation_from_strings(false);
        let key = v8::String::new(scope, workerd_lite_js::BOOT)?.into();
        let boot = context.global(scope).get(scope, key)?;
        let boot = v8::Local::<v8::Function>::try_from(boot).ok()?;
        let role = v8::String::new(scope, self.role.name())?.into();
        // As JSON: objects that serde_v8 makes have no prototype.
        let vars = v8::String::new(scope, &serde_json::to_string(&self.vars).ok()?)?.into();
        let bindings = serde_v8::to_v8(scope, &self.bindings).ok()?;
        let callers = serde_v8::to_v8(scope, callers).ok()?;
        let this = v8::undefined(scope).into();
        let wanted: Vec<&str> = self.graph.builtins().collect();
        let wanted = serde_v8::to_v8(scope, wanted).ok()?;
        let functions = boot.call(scope, this, &[role, vars, bindings, callers, wanted])?;
        let functions = v8::Local::<v8::Array>::try_from(functions).ok()?;
        let function = |index| {
            let value = functions.get_index(scope, index)?;
            let function = v8::Local::<v8::Function>::try_from(value).ok()?;
            Some(v8::Global::new(scope, function))
        };
        Some((
            Functions {
                dispatch: function(0)?,
                cancel: function(1)?,
                end: function(2)?,
            },
            function(3)?,
            builtins(scope, functions)?,
        ))
    }

    async fn evaluate(&self, runtime: &mut Guarded, turns: &Turns) -> Result<ModuleId, StartupError> {
        let failed = |error: &_| {
            from_core(
                error,
                &self.graph,
                &format!("{} failed to start", self.graph.main_name()),
            )
        };
        let limits = self.effective_limits();
        let stopped = |why: Termination| {
            let what = if why == Termination::Cpu {
                format!(
                    "{}: it takes more than {:?} of CPU time to start",
                    self.graph.main_name(),
                    limits.startup
                )
            } else {
                format!("{}: it failed to start: {why}", self.graph.main_name())
            };
            StartupError::new(what)
                .with_help("Do less at the top level, or raise startup_cpu_ms or memory_mb: see docs/limits.md")
        };
        // The graph is in memory, so loading never waits.
        turns.begin(limits.startup);
        let loaded = runtime.with(|runtime| {
            let loading = pin!(runtime.load_main_es_module(self.graph.main()));
            match loading.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            }
        });
        if let Some(why) = turns.end() {
            return Err(stopped(why));
        }
        let module = loaded
            .ok_or_else(|| StartupError::new("a module of the worker could not be loaded"))?
            .map_err(|error| failed(&error))?;
        if let Some(inspection) = &self.inspection {
            runtime.with(|runtime| inspection.wait(runtime));
        }
        turns.begin(limits.startup);
        let mut evaluation = pin!(runtime.with(|runtime| runtime.mod_evaluate(module)));
        if let Some(why) = turns.end() {
            return Err(stopped(why));
        }
        let mut settled = false;
        poll_fn(|cx| {
            turns.begin(limits.startup);
            let polled = runtime.with(|runtime| {
                loop {
                    // An exception of the top level arrives as an unhandled rejection of the event loop, possibly
                    // one turn after the evaluation has settled.
                    let turn = runtime.poll_event_loop(cx, PollEventLoopOptions::default());
                    if let Poll::Ready(Err(error)) = turn {
                        return Poll::Ready(Err(failed(&error)));
                    }
                    if settled {
                        return Poll::Ready(Ok(()));
                    }
                    match evaluation.as_mut().poll(cx) {
                        Poll::Ready(result) => {
                            result.map_err(|error| failed(&error))?;
                            settled = true;
                        }
                        // Nothing is left that could settle it: no request and no timer may start here.
                        Poll::Pending if turn.is_ready() => {
                            return Poll::Ready(Err(StartupError::new(format!(
                                "{}: a top-level await never settles",
                                self.graph.main_name()
                            ))));
                        }
                        Poll::Pending => return Poll::Pending,
                    }
                }
            });
            match turns.end() {
                Some(why) => Poll::Ready(Err(stopped(why))),
                None => polled,
            }
        })
        .await?;
        Ok(module)
    }

    fn find_handler(
        &self,
        runtime: &mut JsRuntime,
        module: ModuleId,
        set_handler: &v8::Global<v8::Function>,
    ) -> Result<(), StartupError> {
        let unreadable = || StartupError::new(format!("{}: its exports can not be read", self.graph.main_name()));
        let namespace = runtime.get_module_namespace(module).map_err(|_| unreadable())?;
        deno_core::scope!(scope, runtime);
        v8::tc_scope!(let scope, scope);
        let set_handler = v8::Local::new(scope, set_handler);
        let namespace = v8::Local::new(scope, namespace).into();
        let this = v8::undefined(scope).into();
        let complaint = set_handler.call(scope, this, &[namespace]).ok_or_else(unreadable)?;
        if complaint.is_null() {
            return Ok(());
        }
        let complaint = complaint.to_rust_string_lossy(scope);
        Err(StartupError::new(format!(
            "{} has no fetch handler: {complaint}",
            self.graph.main_name()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ops of a role, against the committed list: a new one is a decision, not an accident.
    fn check(role: Role, committed: &str) {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.js");
        std::fs::write(&main, "").unwrap();
        let worker = Worker::load(role, &main).unwrap();
        let mut runtime = Guarded::new(worker.new_runtime(&Buffers::new(usize::MAX)));
        let mut names = runtime.with(|runtime| runtime.op_names());
        names.retain(|name| !role.denies(name));
        names.sort_unstable();
        let names = names.join("\n");
        if std::env::var_os("UPDATE_OP_TABLES").is_some() {
            let path = format!("{}/../fixtures/ops/{}.txt", env!("CARGO_MANIFEST_DIR"), role.name());
            std::fs::write(path, format!("{names}\n")).unwrap();
        } else {
            assert_eq!(names, committed.trim(), "set UPDATE_OP_TABLES=1 to write the list anew");
        }
    }

    #[tokio::test]
    async fn each_role_has_the_ops_that_were_decided() {
        init_platform();
        check(Role::Agent, include_str!("../../fixtures/ops/agent.txt"));
        check(Role::Outbound, include_str!("../../fixtures/ops/outbound.txt"));
        check(Role::Test, include_str!("../../fixtures/ops/test.txt"));
    }
}
