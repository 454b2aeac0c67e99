//! From the snapshot to a cell that takes events.

use std::rc::Rc;
use std::sync::Arc;

use deno_core::{JsRuntime, ModuleId, v8};
use workerd_lite_ops::cache::store;
use workerd_lite_ops::clock::Clock;
use workerd_lite_ops::egress::EgressHandle;
use workerd_lite_ops::events::EventLimits;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::fetch::FetchLimits;
use workerd_lite_ops::html_rewriter::protocol::Coroutines;
use workerd_lite_ops::loader::LoadedEnv;
use workerd_lite_ops::node::files::OwnModules;
use workerd_lite_ops::node::require::Requirable;
use workerd_lite_ops::residual::{self as scripts, Evaluated, ResidualScripts};
use workerd_lite_ops::websocket::Sockets;
use workerd_lite_ops::worker_log::{Lines, WorkerName};
use workerd_lite_ops::{CryptoLimits, Events, Inbox, Origin, Role};

use super::blank::Blank;
use super::builtin::{BuiltIn, add_builtin, builtins};
use super::bundle::Bundle;
use super::callers::{Callers, Joining};
use super::cell::{Cell, Watched};
use super::code_generation;
use super::coroutine::Stacks;
use super::coverage::Recorder;
use super::crash_marker;
use super::error::StartupError;
use super::evaluate::Evaluation;
use super::inside::Functions;
use super::limit::limit;
use super::loader::{GraphLoader, Purpose};
use super::require::Files;
use super::residual;
use super::stack::write_stacks;
use super::worker::{Caller, Worker};
use crate::limits::priority;

const FLAGS: &str = concat!(
    // Each memory of WebAssembly takes as much of the address space as it may grow to: 512 MiB, in pages.
    " --wasm-max-mem-pages=8192",
    // A function is compiled when it is first called, in its event's time: V8's threads would do it in nobody's.
    " --wasm-lazy-compilation",
    // Nor is it compiled again by TurboFan, which takes memory by the square of its length: 3 GB for 60 KB, on V8's threads.
    " --no-wasm-tier-up",
    // It compiles functions of any length, on V8's threads, in nobody's time and memory: a generator of two megabytes takes four
    // gigabytes. TurboFan takes none of more than 60 KiB of bytecode.
    " --no-maglev",
);

/// Starts V8. Call it once, on the main thread, before any other thread starts: with memory protection keys V8's
/// threads must descend from the one that initialised it.
pub fn init_platform() {
    v8::V8::set_flags_from_string(FLAGS);
    // V8 reads /dev/urandom itself, and takes the time where an agent's process has no such file. The kernel answers at once; what
    // keys are made by gathers entropy of its own first, for tens of milliseconds.
    v8::V8::set_entropy_source(|bytes: &mut [u8]| getrandom::fill(bytes).is_ok());
    let before = priority::threads();
    JsRuntime::init_platform(None);
    // They compile what is hot, for whichever worker.
    for thread in priority::threads().difference(&before) {
        priority::lower(*thread);
    }
    v8::V8::set_fatal_error_handler(fatal);
}

/// V8 can not go on, and ends the process when this returns. Its threads have no message of their own for it.
fn fatal(_file: &str, _line: i32, message: &str) {
    crash_marker::blame_this();
    tracing::error!("V8 ends the process: {message}");
}

impl Worker {
    /// Makes an isolate, evaluates the script and finds its handler for each caller. Events name their caller by its
    /// place among these. Call it inside a tokio runtime.
    pub async fn boot(&self, egress: EgressHandle, callers: &[Caller]) -> Result<Cell, StartupError> {
        let inbox = Rc::new(self.inbox(callers.len()));
        self.boot_again(inbox, egress, &callers.to_vec().into()).await
    }

    /// The same, in the place of a cell that was stopped. Further callers may join while it runs.
    pub async fn boot_again(
        &self,
        inbox: Rc<Inbox>,
        egress: EgressHandle,
        callers: &Callers,
    ) -> Result<Cell, StartupError> {
        self.boot_in(Blank::make(self.blank_kind()), inbox, egress, callers)
            .await
    }

    /// The same in a blank isolate, which must be of its kind.
    pub(crate) async fn boot_in(
        &self,
        blank: Blank,
        inbox: Rc<Inbox>,
        egress: EgressHandle,
        callers: &Callers,
    ) -> Result<Cell, StartupError> {
        let limits = self.effective_limits();
        let Blank {
            mut runtime,
            modules,
            buffers,
            ..
        } = blank;
        runtime.works_for(&self.culprit());
        modules.set(GraphLoader::new(Arc::clone(&self.graph), self.purpose()));
        buffers.limit_to(limits.buffers);
        let turns = runtime.with(|runtime| limit(runtime, self.culprit(), &limits, &buffers));
        let coverage = self.coverage.clone().map(|sink| {
            let recorder = runtime.with(Recorder::start);
            (recorder, sink)
        });
        runtime.with(|runtime| {
            let state = runtime.op_state();
            let mut state = state.borrow_mut();
            let agent = self.account.as_ref().map(|account| account.id().clone());
            state.put(WorkerName(self.label(), agent));
            if let Some(tap) = &self.console_tap {
                state.put(tap.clone());
            }
            if let Some(loader) = egress.loader() {
                state.put(loader);
            }
            let tailed = egress.is_tailed().then(|| Rc::clone(&egress));
            state.put(egress);
            state.put(Requirable(Rc::new(Files::new(Arc::clone(&self.graph), self.purpose()))));
            let external = match (&self.loaded, &self.account) {
                (Some(loaded), _) => loaded.external.clone(),
                (None, Some(account)) => account.isolate_memory(limits.buffers),
                (None, None) => ExternalMemory::new(limits.buffers),
            };
            // An agent's is one for all its isolates. The policy's isolates have one each.
            state.put(match &self.account {
                Some(account) => account.caches(),
                None => store::new(&external),
            });
            if let Some(loaded) = &self.loaded {
                state.put(LoadedEnv(loaded.env.clone()));
            }
            state.put(external);
            state.put(self.graph.wasm().clone());
            state.put(OwnModules(Rc::new(Bundle::new(Arc::clone(&self.graph)))));
            state.put(Sockets::new(limits.sockets));
            state.put(self.role);
            state.put(FetchLimits {
                subrequests: limits.subrequests,
                headers: limits.headers,
            });
            state.put(CryptoLimits {
                trusted: self.role != Role::Agent,
                cpu: limits.cpu,
            });
            state.put::<Rc<dyn Coroutines>>(Rc::new(Stacks));
            state.put::<Rc<dyn ResidualScripts>>(Rc::new(residual::Scripts));
            state.put(Evaluated::default());
            state.put(match &self.loaded {
                Some(loaded) => loaded.lines.clone(),
                None => Lines::new(limits.log_lines),
            });
            // Tests measure, and are their owner's.
            state.put(Clock::new(self.role != Role::Test));
            let mut events = Events::new(
                Rc::clone(&inbox),
                EventLimits {
                    wait_until: limits.wait_until,
                    at_once: limits.subrequests_at_once,
                    headers: limits.headers,
                    read: match self.role {
                        Role::Outbound => (Some(limits.read()), limits.response_body),
                        Role::Agent | Role::Test => (None, None),
                    },
                },
            );
            if let Some(egress) = tailed {
                let told = Rc::new(move |origin: &Origin, item: &serde_json::Value| egress.tell(origin, item));
                events.are_told(told, &self.name, state.borrow::<ExternalMemory>().clone());
            }
            state.put(events);
        });
        let (functions, set_handler, modules) = runtime
            .with(|runtime| self.finish(runtime, callers))
            .ok_or_else(|| StartupError::new("the worker's global scope could not be made"))?;
        for module in modules {
            runtime.with(|runtime| add_builtin(runtime, module))?;
        }
        runtime.with(|runtime| {
            let state = runtime.op_state();
            deno_core::scope!(scope, runtime);
            scripts::modules_are_made(scope, &state);
        });
        runtime
            .with(|runtime| write_stacks(runtime, Arc::clone(&self.graph)))
            .ok_or_else(|| StartupError::new("the worker's stacks can not be written"))?;
        let listed = self.inspection.as_ref().map(|inspection| {
            let title = format!("{} {}", self.role.name(), self.label());
            let url = self.graph.main().to_string();
            runtime.with(|runtime| inspection.add(runtime, title, url))
        });
        let evaluation = Evaluation {
            worker: self,
            runtime: &mut runtime,
            turns: &turns,
            limits: &limits,
        };
        let module = evaluation.run().await?;
        runtime.with(|runtime| code_generation::set(self.code_generation, runtime));
        runtime.with(|runtime| self.find_handler(runtime, module, &set_handler))?;
        let watched = Watched { coverage, listed };
        Cell::new(runtime, functions, inbox, self, watched, turns, limits)
            .ok_or_else(|| StartupError::new("the worker's CPU time can not be told apart"))
    }

    fn purpose(&self) -> Purpose {
        let debugged = self.inspection.is_some();
        Purpose {
            maps: debugged,
            // What is counted or debugged is compiled anew: code from a cache knows less of itself.
            keeps: !debugged && self.coverage.is_none() && self.loaded.is_none(),
            tests: self.role == Role::Test,
            counts: self.coverage.is_some(),
        }
    }

    /// Calls the boot function of `js/worker/boot.js`, which takes everything of ours off the global object.
    fn finish(
        &self,
        runtime: &mut JsRuntime,
        callers: &Callers,
    ) -> Option<(Functions, v8::Global<v8::Function>, Vec<BuiltIn>)> {
        runtime.v8_isolate().set_allow_atomics_wait(false);
        code_generation::set(self.code_generation.at_start(&self.differences), runtime);
        deno_core::scope!(scope, runtime);
        let context = scope.get_current_context();
        let key = v8::String::new(scope, workerd_lite_js::BOOT)?.into();
        let boot = context.global(scope).get(scope, key)?;
        let boot = v8::Local::<v8::Function>::try_from(boot).ok()?;
        let role = v8::String::new(scope, self.role.name())?.into();
        // As JSON: objects that serde_v8 makes have no prototype.
        let vars = v8::String::new(scope, &serde_json::to_string(&self.vars).ok()?)?.into();
        let bindings = serde_v8::to_v8(scope, &self.bindings).ok()?;
        let known = callers.behind(0);
        let count = known.len();
        let list = serde_v8::to_v8(scope, known).ok()?;
        let this = v8::undefined(scope).into();
        let wanted: Vec<&str> = self.graph.builtins().collect();
        let wanted = serde_v8::to_v8(scope, wanted).ok()?;
        let environment = match self.graph.has_node() {
            true if self.fills_environment => vars,
            true => v8::String::new(scope, "{}")?.into(),
            false => v8::undefined(scope).into(),
        };
        let services = serde_v8::to_v8(scope, &self.services).ok()?;
        let loaders = serde_v8::to_v8(scope, &self.loaders).ok()?;
        let given = v8::Boolean::new(scope, self.loaded.is_some()).into();
        let differences = serde_v8::to_v8(scope, &self.differences).ok()?;
        let listens = self.role == Role::Agent && self.graph.listens();
        let listens = v8::Boolean::new(scope, listens).into();
        let arguments = [
            role,
            vars,
            bindings,
            list,
            wanted,
            environment,
            services,
            loaders,
            given,
            differences,
            listens,
        ];
        let functions = boot.call(scope, this, &arguments)?;
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
                joining: Joining {
                    function: function(5)?,
                    callers: callers.clone(),
                    known: std::cell::Cell::new(count),
                },
                rpc: function(6)?,
            },
            function(3)?,
            builtins(scope, functions)?,
        ))
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
        // Who calls a loaded worker says which of its entrypoints.
        if complaint.is_null() || self.loaded.is_some() {
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
        let mut runtime = Blank::make(worker.blank_kind()).runtime;
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
