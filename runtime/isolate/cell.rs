//! A cell: one isolate with its script, and the loop that feeds it events.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use deno_core::{JsRuntime, OpState, PollEventLoopOptions, v8};
use workerd_lite_ops::body::BodyResource;
use workerd_lite_ops::clock::Clock;
use workerd_lite_ops::events;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::inbox::Start;
use workerd_lite_ops::{Body, EventId, Events, Inbox, Message, Termination, head};

use super::coverage::{CoverageSink, Recorder};
use super::cpu_accounting::{CpuAccounting, Verdict};
use super::guard::Guarded;
use super::handle::CellHandle;
use super::heap_trim::trim_soon;
use super::inspector::Listed;
use super::worker::Worker;
use crate::limits::{LONG, Limits, Quarantine, Turns};

/// How many messages are taken before the isolate's own work gets its turn.
const BATCH: usize = 64;

/// The functions of `js/worker/dispatch.js`.
pub(super) struct Functions {
    pub(super) dispatch: v8::Global<v8::Function>,
    pub(super) cancel: v8::Global<v8::Function>,
    pub(super) end: v8::Global<v8::Function>,
}

/// One isolate that runs one script. It lives and dies on the thread that made it.
pub struct Cell {
    // Dropped before the runtime, whose heap they are in.
    functions: Functions,
    watched: Watched,
    runtime: Guarded,
    inbox: Rc<Inbox>,
    op_state: Rc<RefCell<OpState>>,
    external: ExternalMemory,
    name: String,
    quarantine: Option<Arc<Quarantine>>,
    turns: Arc<Turns>,
    cpu_accounting: Rc<CpuAccounting>,
    limits: Limits,
    /// For how many turns more their CPU time is measured, because one was long by the clock on the wall: it may have been
    /// waiting for what others do.
    doubted: u32,
}

/// How a cell's loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its handle was closed.
    Closed,
    /// It was stopped, and can not be used again. What is queued waits for another.
    Stopped(Termination),
    /// The same, and it worked for no event: another is wanted once there is one.
    Lingered(Termination),
}

/// How many turns are measured after a long one.
const DOUBTED: u32 = 100;

/// For how long messages are taken in one turn.
const TAKING: Duration = Duration::from_millis(10);

/// Events that run at once share a turn, and its budget grows with them, up to so many.
const SHARING: u32 = 20;

/// Who looks on from outside.
pub(super) struct Watched {
    /// What counts its coverage, and who hears of it.
    pub(super) coverage: Option<(Recorder, Arc<dyn CoverageSink>)>,
    /// Its place among what debuggers may attach to.
    pub(super) listed: Option<Listed>,
}

impl Cell {
    pub(super) fn new(
        mut runtime: Guarded,
        functions: Functions,
        inbox: Rc<Inbox>,
        worker: &Worker,
        watched: Watched,
        turns: Arc<Turns>,
        limits: Limits,
    ) -> Option<Self> {
        let cpu_accounting = runtime.with(|runtime| CpuAccounting::new(runtime, Arc::clone(&turns), limits.cpu))?;
        let op_state = runtime.with(|runtime| runtime.op_state());
        let external = op_state.borrow().borrow::<ExternalMemory>().clone();
        Some(Self {
            external,
            functions,
            watched,
            runtime,
            inbox,
            op_state,
            name: worker.name.clone(),
            quarantine: worker.quarantine.clone(),
            turns,
            cpu_accounting,
            limits,
            doubted: 0,
        })
    }

    /// Where events go in.
    pub fn handle(&self) -> CellHandle {
        CellHandle::new(Rc::clone(&self.inbox), self.limits.events)
    }

    /// Runs events until the handle is closed and the last event has ended, or until it is stopped.
    pub async fn run(mut self) -> Ended {
        let ended = poll_fn(|cx| self.poll(cx)).await;
        if let Ended::Stopped(why) | Ended::Lingered(why) = ended {
            let Self { runtime, op_state, .. } = &mut self;
            runtime.with(|_| events::terminate(&mut op_state.borrow_mut(), why));
            // Whoever waits hears of it before the heap is taken apart, which takes its time.
            tokio::task::yield_now().await;
            drop(self);
            trim_soon();
        }
        ended
    }

    /// Ends the events that have used more CPU time than they may. Gives whether one does that which has ended.
    fn lingers(&self) -> bool {
        let state = &self.op_state;
        let over = match self
            .cpu_accounting
            .judge(|id| state.borrow().borrow::<Events>().is_open(id))
        {
            Verdict::Fine => return false,
            Verdict::Lingers => return true,
            Verdict::Over(events) => events,
        };
        for id in over {
            state.borrow_mut().borrow_mut::<Events>().refuse(id, Termination::Cpu);
            self.inbox.push(Message::End(id));
        }
        false
    }

    fn stopped(&self, why: Termination) -> Ended {
        if self.op_state.borrow().borrow::<Events>().is_empty() {
            return Ended::Lingered(why);
        }
        Ended::Stopped(why)
    }

    /// Whether there is more memory outside of the heap than may be, garbage excepted: what ops give and memories of
    /// WebAssembly are not asked of our allocator.
    fn holds_too_much(&mut self, outside: usize) -> bool {
        let limit = self.limits.buffers.saturating_sub(self.external.used());
        outside > limit
            && self.runtime.with(|runtime| {
                let isolate = runtime.v8_isolate();
                isolate.low_memory_notification();
                outside_of_heap(isolate) > limit
            })
    }

    fn budget(&self) -> Duration {
        let open = self.op_state.borrow().borrow::<Events>().len();
        self.limits.cpu * u32::try_from(open).unwrap_or(SHARING).clamp(1, SHARING)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        self.inbox.register(cx.waker());
        self.op_state.borrow().borrow::<Clock>().turn();
        let budget = self.budget();
        let Self {
            functions,
            runtime,
            inbox,
            op_state,
            name,
            turns,
            cpu_accounting,
            ..
        } = self;
        turns.begin(budget);
        let began = Instant::now();
        let cpu = (self.doubted > 0).then(|| turns.cpu()).flatten();
        let outside = runtime.with(|runtime| {
            for taken in 0.. {
                if taken == BATCH || began.elapsed() > TAKING {
                    inbox.wake();
                    break;
                }
                let Some(message) = inbox.pop() else { break };
                if matches!(message, Message::Start(_)) {
                    cpu_accounting.begin();
                }
                let mut isolate = Inside {
                    functions,
                    runtime,
                    op_state,
                    turns,
                };
                isolate.handle(message);
                if turns.stopped().is_some() {
                    return 0;
                }
            }
            if let Poll::Ready(Err(error)) = runtime.poll_event_loop(cx, PollEventLoopOptions::default()) {
                tracing::error!(target: "worker", worker = name.as_str(), "the event loop failed: {error}");
                // The loop has work left that it did not poll.
                cx.waker().wake_by_ref();
            }
            outside_of_heap(runtime.v8_isolate())
        });
        self.cpu_accounting
            .end(|| self.op_state.borrow().borrow::<Events>().only());
        if let Some(why) = self.turns.end() {
            return Poll::Ready(self.stopped(why));
        }
        if began.elapsed() >= LONG {
            self.doubted = DOUBTED;
            let cpu = cpu.and_then(|before| Some(self.turns.cpu()?.saturating_sub(before)));
            if let (Some(quarantine), Some(cpu)) = (&self.quarantine, cpu) {
                quarantine.record_turn(cpu);
            }
        } else {
            self.doubted = self.doubted.saturating_sub(1);
        }
        if self.holds_too_much(outside) {
            return Poll::Ready(self.stopped(Termination::Memory));
        }
        if self.lingers() {
            return Poll::Ready(self.stopped(Termination::Cpu));
        }
        if self.inbox.is_closed() && self.inbox.is_empty() && self.op_state.borrow().borrow::<Events>().is_empty() {
            return Poll::Ready(Ended::Closed);
        }
        Poll::Pending
    }
}

/// Bytes outside of the heap that V8 says the isolate's objects hold: buffers, memories and code of WebAssembly, and what
/// else it takes from elsewhere.
fn outside_of_heap(isolate: &mut v8::Isolate) -> usize {
    // Cheaper than the isolate's statistics, which count buffers alone.
    let total = isolate.adjust_amount_of_external_allocated_memory(0);
    usize::try_from(total).unwrap_or_default()
}

impl Drop for Cell {
    fn drop(&mut self) {
        drop(self.watched.listed.take());
        if let Some((mut recorder, sink)) = self.watched.coverage.take() {
            // The session ends here too, while its isolate is entered.
            let scripts = self.runtime.with(move |_| recorder.take());
            sink.take(scripts);
        }
    }
}

/// The cell while its isolate is entered.
struct Inside<'a> {
    functions: &'a Functions,
    runtime: &'a mut JsRuntime,
    op_state: &'a RefCell<OpState>,
    turns: &'a Turns,
}

impl Inside<'_> {
    fn handle(&mut self, message: Message) {
        match message {
            Message::Start(start) => self.start(*start),
            Message::Cancel(id) => self.cancel(id),
            Message::Expire(id) => {
                let ended = events::expire(&mut self.op_state.borrow_mut(), id);
                if ended {
                    self.end(id);
                }
            }
            Message::End(id) => {
                self.cancel(id);
                events::cancel(&mut self.op_state.borrow_mut(), id, false);
                self.end(id);
            }
            Message::BodyEnded { id, complete: true } => {
                let ended = events::body_ended(&mut self.op_state.borrow_mut(), id);
                if ended {
                    self.end(id);
                }
            }
            Message::BodyEnded { id, complete: false } => self.cancel(id),
            Message::Collect => self.runtime.v8_isolate().low_memory_notification(),
        }
    }

    fn start(&mut self, start: Start) {
        let Start {
            id,
            request,
            origin,
            reply,
            live,
        } = start;
        if reply.is_closed() {
            return;
        }
        let caller = origin.caller;
        origin.trace.started.set(Some(Instant::now()));
        let body = {
            let mut state = self.op_state.borrow_mut();
            let rid = match request.body {
                Body::Empty => None,
                body => Some(
                    state
                        .resource_table
                        .add(BodyResource::new(body, origin.trace.account())),
                ),
            };
            state
                .borrow_mut::<Events>()
                .start(id, reply, rid, request.method == http::Method::HEAD, origin, live);
            rid
        };
        let headers = head::join(&request.headers);
        let called = self.call(&self.functions.dispatch.clone(), |scope| {
            [
                v8::Integer::new_from_unsigned(scope, id).into(),
                string(scope, request.method.as_str()),
                string(scope, request.url.as_str()),
                v8::String::new_from_one_byte(scope, &headers, v8::NewStringType::Normal)
                    .unwrap_or_else(|| v8::String::empty(scope))
                    .into(),
                match body {
                    Some(rid) => v8::Integer::new_from_unsigned(scope, rid).into(),
                    None => v8::null(scope).into(),
                },
                v8::Integer::new_from_unsigned(scope, caller).into(),
            ]
        });
        if called.is_none() && self.turns.stopped().is_none() {
            // The dispatcher itself could not run, for want of stack or heap.
            events::cancel(&mut self.op_state.borrow_mut(), id, false);
        }
    }

    fn cancel(&mut self, id: EventId) {
        let waiting = self
            .call(&self.functions.cancel.clone(), |scope| {
                [v8::Integer::new_from_unsigned(scope, id).into()]
            })
            .unwrap_or(false);
        let ended = events::cancel(&mut self.op_state.borrow_mut(), id, waiting);
        if ended {
            self.end(id);
        }
    }

    fn end(&mut self, id: EventId) {
        self.call(&self.functions.end.clone(), |scope| {
            [v8::Integer::new_from_unsigned(scope, id).into()]
        });
    }

    /// Calls one of our functions. Gives the truth of its result, or nothing where it threw.
    fn call<const N: usize>(
        &mut self,
        function: &v8::Global<v8::Function>,
        arguments: impl for<'s> FnOnce(&mut v8::PinScope<'s, '_>) -> [v8::Local<'s, v8::Value>; N],
    ) -> Option<bool> {
        deno_core::scope!(scope, self.runtime);
        v8::tc_scope!(let scope, scope);
        let arguments = arguments(scope);
        let function = v8::Local::new(scope, function);
        let this = v8::undefined(scope).into();
        let result = function.call(scope, this, &arguments)?;
        Some(result.is_true())
    }
}

fn string<'s>(scope: &mut v8::PinScope<'s, '_>, text: &str) -> v8::Local<'s, v8::Value> {
    v8::String::new(scope, text)
        .unwrap_or_else(|| v8::String::empty(scope))
        .into()
}
