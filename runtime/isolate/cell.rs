//! A cell: one isolate with its script, and the loop that feeds it events.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use deno_core::{OpState, PollEventLoopOptions, v8};
use workerd_lite_ops::account::Account;
use workerd_lite_ops::clock::Clock;
use workerd_lite_ops::events;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::{Events, Inbox, Message, Termination};

use super::abandoned::Abandoned;
use super::coverage::{CoverageSink, Recorder};
use super::cpu_accounting::{CpuAccounting, Verdict};
use super::event_time::{HELD_UP, started};
use super::gauge::Gauge;
use super::guard::Guarded;
use super::handle::CellHandle;
use super::heap_trim::trim_soon;
use super::inside::{Functions, Inside};
use super::inspector::Listed;
use super::loaded::Loaded;
use super::page_pool;
use super::worker::Worker;
use super::working_for::WorkingFor;
use crate::limits::{LONG, Limits, Quarantine, Turns};

/// How many messages are taken before the isolate's own work gets its turn.
const BATCH: usize = 64;

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
    /// An agent's, whose turns are its own. The policy's work for whoever asked.
    account: Option<Arc<Account>>,
    turns: Arc<Turns>,
    cpu_accounting: Rc<CpuAccounting>,
    working_for: Rc<WorkingFor>,
    limits: Limits,
    /// For how many turns more their CPU time is measured, because one was long by the clock on the wall: it may have been
    /// waiting for what others do.
    doubted: u32,
    /// How many turns are left until what an event that was ended has left behind is collected, if there is such.
    leftovers: Option<u32>,
    abandoned: Abandoned,
    gauge: Gauge,
    loaded: Option<Arc<Loaded>>,
    /// Turns of a loaded worker, of which some are asked what is held.
    looked: u32,
}

/// How a cell's loop ended, and for which agent where that is known.
#[derive(Debug)]
pub enum Ended {
    /// Its handle was closed.
    Closed,
    /// It was stopped, and can not be used again. What is queued waits for another.
    Stopped(Termination, Option<Arc<Account>>),
    /// The same, and it worked for no event: another is wanted once there is one.
    Lingered(Termination, Option<Arc<Account>>),
}

/// How many turns are measured after a long one.
const DOUBTED: u32 = 100;

/// For how long messages are taken in one turn.
const TAKING: Duration = Duration::from_millis(10);

/// How many turns an event that was ended has until its garbage is collected: what it waited for ends first.
const ENDING: u32 = 2;

/// How many bytes outside of the heap an isolate may hold that are perhaps garbage of an event that was ended.
const LEFT_BEHIND: usize = 8 << 20;

/// Events that run at once share a turn, and its budget grows with them, up to so many.
const SHARING: u32 = 20;

/// A turn of a loaded worker after which its heap is measured, because it was so long or so many have been since.
const LOOKED_AT: Duration = Duration::from_millis(1);
const LOOK_EACH: u32 = 16;

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
        let working_for = Rc::new(WorkingFor::new(worker.culprit(), Arc::clone(&turns)));
        let cpu_accounting = runtime
            .with(|runtime| CpuAccounting::new(runtime, Arc::clone(&turns), limits.cpu, Rc::clone(&working_for)))?;
        let op_state = runtime.with(|runtime| runtime.op_state());
        let external = op_state.borrow().borrow::<ExternalMemory>().clone();
        Some(Self {
            external,
            functions,
            watched,
            runtime,
            inbox,
            op_state,
            name: worker.label(),
            quarantine: worker.quarantine.clone(),
            account: worker.account.clone(),
            turns,
            cpu_accounting,
            working_for,
            limits,
            doubted: 0,
            leftovers: None,
            abandoned: Abandoned::default(),
            gauge: Gauge::new(worker.account.clone()),
            loaded: worker.loaded.clone(),
            looked: 0,
        })
    }

    /// Where events go in.
    pub fn handle(&self) -> CellHandle {
        CellHandle::new(Rc::clone(&self.inbox))
    }

    /// Runs events until the handle is closed and the last event has ended, or until it is stopped.
    pub async fn run(mut self) -> Ended {
        let ended = poll_fn(|cx| self.poll(cx)).await;
        if let Ended::Stopped(why, blamed) | Ended::Lingered(why, blamed) = &ended {
            let Self { runtime, op_state, .. } = &mut self;
            runtime.with(|_| events::terminate(&mut op_state.borrow_mut(), *why, blamed.as_ref()));
            // Whoever waits hears of it before the heap is taken apart, which takes its time.
            tokio::task::yield_now().await;
            drop(self);
            page_pool::empty_soon();
            trim_soon();
        }
        ended
    }

    /// Ends the events that have used more CPU time than they may. Gives the end of all where one does that which has ended.
    fn lingers(&mut self) -> Option<Ended> {
        let state = &self.op_state;
        let renewed;
        {
            let state = state.borrow();
            let events = state.borrow::<Events>();
            for (event, time) in events.take_elsewhere() {
                if events.is_open(event) {
                    self.cpu_accounting.used_elsewhere(event, time);
                }
            }
            renewed = events.take_renewed();
        }
        let over = match self
            .cpu_accounting
            .judge(|id| state.borrow().borrow::<Events>().is_open(id))
        {
            Verdict::Fine => {
                self.cpu_accounting.renew(&renewed);
                return None;
            }
            Verdict::Lingers(agent) => return Some(self.stopped(Termination::Cpu, agent)),
            Verdict::Over(events) => events,
        };
        self.cpu_accounting.renew(&renewed);
        for id in over {
            state.borrow_mut().borrow_mut::<Events>().refuse(id, Termination::Cpu);
            self.inbox.push(Message::End(id));
            self.leftovers = Some(ENDING);
        }
        None
    }

    /// Collects what an event left that was ended, where it may be much: an isolate that has nothing to do collects nothing
    /// by itself, and would hold it until the next event.
    fn collect_leftovers(&mut self, outside: usize, cx: &Context<'_>) {
        match self.leftovers {
            None => {}
            Some(0) => {
                self.leftovers = None;
                if outside > LEFT_BEHIND {
                    self.runtime
                        .with(|runtime| runtime.v8_isolate().low_memory_notification());
                    trim_soon();
                }
            }
            Some(turns) => {
                self.leftovers = Some(turns - 1);
                cx.waker().wake_by_ref();
            }
        }
    }

    fn stopped(&self, why: Termination, blamed: Option<Arc<Account>>) -> Ended {
        // An agent's own isolate is its own business, whatever its events were told.
        let blamed = blamed.filter(|_| self.working_for.is_owners());
        if self.op_state.borrow().borrow::<Events>().is_empty() {
            return Ended::Lingered(why, blamed);
        }
        Ended::Stopped(why, blamed)
    }

    /// The agent for which the isolate works where it was stopped.
    fn blamed(&mut self) -> Option<Arc<Account>> {
        let Self {
            runtime,
            cpu_accounting,
            working_for,
            ..
        } = self;
        let known = runtime.with(|runtime| cpu_accounting.stopped_at(runtime));
        known.or_else(|| working_for.now())
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

    /// Whether all workers of this one's loader hold more than they may together.
    fn hold_too_much_together(&mut self, outside: usize, took: Duration) -> bool {
        let Some(loaded) = self.loaded.clone() else {
            return false;
        };
        self.looked = self.looked.wrapping_add(1);
        if took < LOOKED_AT && !self.looked.is_multiple_of(LOOK_EACH) {
            return false;
        }
        let set = |isolate: &mut v8::Isolate| {
            let held = isolate.get_heap_statistics().used_heap_size().saturating_add(outside);
            loaded.together.set(loaded.number, held)
        };
        self.runtime.with(|runtime| {
            let isolate = runtime.v8_isolate();
            set(isolate) && {
                isolate.low_memory_notification();
                set(isolate)
            }
        })
    }

    fn budget(&self) -> Duration {
        let open = self.op_state.borrow().borrow::<Events>().len();
        self.limits.cpu * u32::try_from(open).unwrap_or(SHARING).clamp(1, SHARING)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        // What is polled within is a part of the turn, and needs no time of its own.
        let _entered = self.account.as_ref().map(Account::enter);
        self.inbox.register(cx.waker());
        self.op_state.borrow().borrow::<Clock>().turn();
        let only = {
            let mut state = self.op_state.borrow_mut();
            let events = state.borrow_mut::<Events>();
            events.turn_ends();
            events.only_account()
        };
        if let Some(culprit) = self.working_for.turn_to(only.as_ref()) {
            self.runtime.works_for(&culprit);
        }
        let budget = self.budget();
        let Self {
            functions,
            runtime,
            inbox,
            op_state,
            name,
            turns,
            cpu_accounting,
            working_for,
            gauge,
            abandoned,
            account,
            ..
        } = self;
        turns.begin(budget);
        let began = Instant::now();
        let cpu = (self.doubted > 0).then(|| turns.cpu()).flatten();
        let (measured, mut held_up) = (cpu.is_some() && working_for.is_owners(), false);
        let (outside, heap, idle) = runtime.with(|runtime| {
            for taken in 0.. {
                if taken == BATCH || began.elapsed() > TAKING {
                    inbox.wake();
                    break;
                }
                let Some(message) = inbox.pop() else { break };
                abandoned.something_happens();
                if let Message::Start(start) = &message {
                    cpu_accounting.begin();
                    working_for.within_turn(start.origin.trace.account());
                }
                if let Message::Call(incoming) = &message {
                    let state = op_state.borrow();
                    let account = state.borrow::<Events>().account(incoming.event);
                    working_for.within_turn(account.as_ref());
                }
                let mut isolate = Inside {
                    functions,
                    runtime,
                    op_state,
                    turns,
                    abandoned,
                };
                let measure = measured.then(|| started(&message, turns, cpu_accounting)).flatten();
                let at = Instant::now();
                isolate.handle(message);
                if at.elapsed() >= HELD_UP {
                    held_up = true;
                    if let Some(measure) = measure {
                        measure.end(turns, cpu_accounting);
                    }
                }
                if turns.stopped().is_some() {
                    return (0, None, false);
                }
            }
            let polled = runtime.poll_event_loop(cx, PollEventLoopOptions::default());
            let idle = matches!(polled, Poll::Ready(Ok(()))) && inbox.is_empty();
            if let Poll::Ready(Err(error)) = polled {
                let id = account.as_ref().map(|account| account.id());
                let (agent, tenant) = (id.map(|id| &*id.name), id.and_then(|id| id.tenant.as_deref()));
                tracing::error!(target: "worker", worker = name.as_str(), agent, tenant, "the event loop failed: {error}");
                // The loop has work left that it did not poll.
                cx.waker().wake_by_ref();
            }
            let isolate = runtime.v8_isolate();
            let heap = gauge.wants_heap().then(|| {
                let heap = isolate.get_heap_statistics();
                let taken = heap.total_physical_size().saturating_add(heap.malloced_memory());
                (heap.used_heap_size(), taken)
            });
            (outside_of_heap(isolate), heap, idle)
        });
        self.cpu_accounting
            .end(|| self.op_state.borrow().borrow::<Events>().only());
        if let Some(why) = self.turns.end() {
            let blamed = self.blamed();
            return Poll::Ready(self.stopped(why, blamed));
        }
        // All is put down by now. Whoever waits for the end of one of them hears of it: an idle isolate has no next turn.
        self.op_state.borrow_mut().borrow_mut::<Events>().turn_ends();
        let open = self.op_state.borrow().borrow::<Events>().len();
        self.gauge.set(open, outside.saturating_add(self.external.used()), heap);
        if self.hold_too_much_together(outside, began.elapsed()) {
            return Poll::Ready(self.stopped(Termination::Memory, None));
        }
        for (agent, time) in self.cpu_accounting.take_long() {
            agent.held_up(time);
        }
        if held_up && self.working_for.is_owners() {
            self.doubted = DOUBTED;
        }
        if began.elapsed() >= LONG {
            self.doubted = DOUBTED;
            let cpu = cpu.and_then(|before| Some(self.turns.cpu()?.saturating_sub(before)));
            if let (Some(quarantine), Some(cpu)) = (&self.quarantine, cpu) {
                quarantine.record_turn(cpu);
            }
        } else if !held_up {
            self.doubted = self.doubted.saturating_sub(1);
        }
        if self.holds_too_much(outside) {
            let blamed = self.working_for.now();
            return Poll::Ready(self.stopped(Termination::Memory, blamed));
        }
        if let Some(ended) = self.lingers() {
            return Poll::Ready(ended);
        }
        self.collect_leftovers(outside, cx);
        let Self { abandoned, runtime, .. } = self;
        abandoned.turn_ends(idle, runtime, (&self.op_state, &self.inbox), cx);
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
        if let (None, Some(account)) = (&self.loaded, &self.account) {
            account.isolate_ended(&self.external);
        }
        drop(self.watched.listed.take());
        if let Some((mut recorder, sink)) = self.watched.coverage.take() {
            // The session ends here too, while its isolate is entered.
            let scripts = self.runtime.with(move |_| recorder.take());
            sink.take(scripts);
        }
    }
}
