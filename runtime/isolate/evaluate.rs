//! Evaluates a worker's modules, in turns that are limited as an event's are.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use deno_core::error::{CoreError, CoreErrorKind};
use deno_core::{JsRuntime, ModuleId, PollEventLoopOptions};
use workerd_lite_ops::worker_log::rejected_at_start;
use workerd_lite_ops::{Role, Termination};

use super::error::{StartupError, from_core};
use super::guard::Guarded;
use super::worker::Worker;
use crate::limits::{Limits, Turns};

/// A worker that starts.
pub(super) struct Evaluation<'a> {
    pub(super) worker: &'a Worker,
    pub(super) runtime: &'a mut Guarded,
    pub(super) turns: &'a Turns,
    pub(super) limits: &'a Limits,
}

impl Evaluation<'_> {
    /// Runs the top level of its modules, until the main one has settled.
    pub(super) async fn run(self) -> Result<ModuleId, StartupError> {
        // Without tokio's cooperative budget: a task that boots many isolates has used it up, and a channel that is ready
        // would say that it is not, which is taken for "never" here.
        tokio::task::unconstrained(self.evaluate()).await
    }

    async fn evaluate(mut self) -> Result<ModuleId, StartupError> {
        let worker = self.worker;
        let who = who(worker);
        let failed = |error: &_| from_core(error, &worker.graph, &format!("{who} failed to start"));
        // The graph is in memory, so loading never waits.
        let loaded = self.turn(|runtime| {
            let loading = pin!(runtime.load_main_es_module(worker.graph.main()));
            match loading.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            }
        })?;
        let module = loaded
            .ok_or_else(|| StartupError::new("a module of the worker could not be loaded"))?
            .map_err(|error| failed(&error))?;
        if let Some(inspection) = &worker.inspection {
            self.runtime.with(|runtime| inspection.wait(runtime, &who));
        }
        let mut evaluation = pin!(self.turn(|runtime| runtime.mod_evaluate(module))?);
        let mut settled = false;
        let mut left_behind = 0;
        poll_fn(|cx| {
            let polled = self.turn(|runtime| {
                loop {
                    // An exception of the top level arrives as an unhandled rejection of the event loop, possibly
                    // one turn after the evaluation has settled.
                    let turn = runtime.poll_event_loop(cx, PollEventLoopOptions::default());
                    if let Poll::Ready(Err(error)) = turn {
                        left_behind += 1;
                        if left_behind > MOST_LEFT_BEHIND {
                            return Poll::Ready(Err(failed(&error)));
                        }
                        match rejection(runtime, module, worker, error) {
                            Some(error) => return Poll::Ready(Err(failed(&error))),
                            None => continue,
                        }
                    }
                    if settled {
                        return Poll::Ready(Ok(module));
                    }
                    match evaluation.as_mut().poll(cx) {
                        Poll::Ready(result) => {
                            result.map_err(|error| failed(&error))?;
                            settled = true;
                        }
                        // Nothing is left that could settle it: no request and no timer may start here.
                        Poll::Pending if turn.is_ready() => {
                            return Poll::Ready(Err(StartupError::new(format!(
                                "{who}: a top-level await never settles"
                            ))));
                        }
                        Poll::Pending => return Poll::Pending,
                    }
                }
            });
            polled.unwrap_or_else(|stopped| Poll::Ready(Err(stopped)))
        })
        .await
    }

    /// Runs a turn. Fails where it took more than it may.
    fn turn<T>(&mut self, work: impl FnOnce(&mut JsRuntime) -> T) -> Result<T, StartupError> {
        self.turns.begin(self.limits.startup);
        let result = self.runtime.with(work);
        match self.turns.end() {
            Some(why) => Err(self.stopped(why)),
            None => Ok(result),
        }
    }

    fn stopped(&self, why: Termination) -> StartupError {
        let who = who(self.worker);
        let what = if why == Termination::Cpu {
            format!(
                "{who}: it takes more than {:?} of CPU time to start",
                self.limits.startup
            )
        } else {
            format!("{who}: it failed to start: {why}")
        };
        StartupError::new(what)
            .with_help("Do less at the top level, or raise startup_cpu_ms or memory_mb: see docs/limits.md")
    }
}

/// How many rejections a start may leave behind.
const MOST_LEFT_BEHIND: usize = 1000;

/// What the worker's start fails with, after nobody handled this rejection. As on Workers an agent starts all the same, with a line in the log,
/// where the modules themselves did not fail: a policy and tests do not.
fn rejection(runtime: &mut JsRuntime, module: ModuleId, worker: &Worker, error: CoreError) -> Option<CoreError> {
    let CoreErrorKind::Js(thrown) = error.as_kind() else {
        return Some(error);
    };
    // Others are no script's: an await that nothing can settle any more, which is told as often as it is asked for.
    if !thrown.exception_message.starts_with("Uncaught (in promise)") {
        return Some(error);
    }
    if let Err(own) = runtime.get_module_namespace(module) {
        return Some(own);
    }
    if worker.role != Role::Agent {
        return Some(error);
    }
    let stack = thrown.stack.as_deref().unwrap_or(&thrown.exception_message);
    rejected_at_start(&runtime.op_state().borrow(), stack);
    None
}

/// Which of many workers it is, and its script.
fn who(worker: &Worker) -> String {
    let main = worker.graph.main_name();
    match worker.role {
        Role::Agent if worker.loaded.is_some() => main.to_owned(),
        Role::Agent => format!("the agent {:?} ({main})", worker.name),
        Role::Outbound => format!("the outbound worker {:?} ({main})", worker.name),
        Role::Test => main.to_owned(),
    }
}
