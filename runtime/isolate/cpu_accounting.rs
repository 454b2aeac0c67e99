//! CPU accounting: for which event an isolate computes. The watchdog interrupts V8 every other millisecond, wherever its script is, and what V8
//! carries through promises and callbacks says whose event that is: the CPU time since the last time is put down to that
//! one, as a sampling profiler does. What waits is never met.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use deno_core::{JsRuntime, OpState, v8};
use workerd_lite_ops::account::Account;
use workerd_lite_ops::{EventId, Events};

use super::working_for::WorkingFor;
use crate::limits::Turns;

/// An event that has taken longer than this is a long one: others have waited for it. It was met twice, at least.
const LONG: Duration = Duration::from_millis(3);

/// How many accounts are kept of events that have ended.
const KEPT: usize = 256;

/// What one event has used, as far as it was met.
#[derive(Debug, Default, Clone)]
struct Spent {
    time: Duration,
    /// The agent for which it works.
    agent: Option<Arc<Account>>,
    /// The turn in which it was met last, and what it has used of that.
    turn: u64,
    in_turn: Duration,
}

/// What has to be done about it.
#[derive(Debug)]
pub(super) enum Verdict {
    Fine,
    /// These events have used more than they may.
    Over(Vec<EventId>),
    /// It goes on with what nobody waits for any longer, and which this agent has caused.
    Lingers(Option<Arc<Account>>),
}

/// The accounts of one isolate's events.
pub(super) struct CpuAccounting {
    turns: Arc<Turns>,
    limit: Duration,
    context: v8::Global<v8::Context>,
    /// The name of the property of an event's context that names the event.
    id: v8::Global<v8::String>,
    accounts: RefCell<Accounts>,
    op_state: Rc<RefCell<OpState>>,
    working_for: Rc<WorkingFor>,
    /// Agents that long events have worked for in this turn, and how long.
    long: RefCell<Vec<(Arc<Account>, Duration)>>,
    changed: Cell<bool>,
    /// An event has begun since.
    fresh: Cell<bool>,
}

/// Work outside of any event has an account too.
type Accounts = HashMap<Option<EventId>, Spent>;

impl CpuAccounting {
    /// Keeps accounts for an isolate, whose events may use so much CPU time each.
    pub(super) fn new(
        runtime: &mut JsRuntime,
        turns: Arc<Turns>,
        limit: Duration,
        working_for: Rc<WorkingFor>,
    ) -> Option<Rc<Self>> {
        let context = runtime.main_context();
        let id = {
            deno_core::scope!(scope, runtime);
            let id = v8::String::new(scope, "id")?;
            v8::Global::new(scope, id)
        };
        let cpu_accounting = Rc::new(Self {
            turns,
            limit,
            context,
            id,
            accounts: RefCell::default(),
            op_state: runtime.op_state(),
            working_for,
            long: RefCell::default(),
            changed: Cell::new(false),
            fresh: Cell::new(false),
        });
        runtime.v8_isolate().set_slot(Rc::clone(&cpu_accounting));
        Some(cpu_accounting)
    }

    /// An event begins. What is done outside of all may take as much again.
    pub(super) fn begin(&self) {
        self.fresh.set(true);
    }

    /// The script has been interrupted.
    fn meet(&self, isolate: &mut v8::Isolate) {
        let Some((turn, time)) = self.turns.sampled() else {
            return;
        };
        let event = self.running(isolate);
        let limit = event.and_then(|event| self.own_limit(event)).unwrap_or(self.limit);
        if self.put_down(event, turn, time) > limit {
            self.turns.out_of_time();
        }
    }

    /// The turn is about to end. What V8 has done since it was asked, and did not look up from, was for the event that is
    /// open where that is the only one.
    pub(super) fn end(&self, only: impl FnOnce() -> Option<EventId>) {
        let Some((turn, time)) = self.turns.sampled() else {
            return;
        };
        if let Some(event) = only() {
            self.put_down(Some(event), turn, time);
        }
    }

    fn put_down(&self, event: Option<EventId>, turn: u64, time: Duration) -> Duration {
        let mut accounts = self.accounts.borrow_mut();
        if self.fresh.take() {
            accounts.remove(&None);
        }
        self.changed.set(true);
        let in_turn = put_down(&mut accounts, event, turn, time);
        let Some(spent) = accounts.get_mut(&event) else {
            return in_turn;
        };
        if let Some(event) = event {
            self.charge(event, time, &mut spent.agent);
        }
        if let Some(agent) = &spent.agent {
            agent.charge_script(time);
            self.working_for.within_turn(Some(agent));
            if spent.time >= LONG && self.working_for.is_owners() {
                self.long.borrow_mut().push((Arc::clone(agent), time));
            }
        }
        in_turn
    }

    /// An event has computed: what the request has used of which it is a part, and for whom that is.
    fn charge(&self, event: EventId, time: Duration, agent: &mut Option<Arc<Account>>) {
        let Ok(state) = self.op_state.try_borrow() else { return };
        let events = state.borrow::<Events>();
        let Some(trace) = events.trace(event) else { return };
        trace.usage().computed(time);
        if let Some(tail) = events.tail(event) {
            tail.computed(time);
        }
        if let Some(charged) = trace.charged() {
            charged.computed(time);
        }
        if let Some(account) = trace.account() {
            *agent = Some(Arc::clone(account));
        }
    }

    /// What an event may use that its stub bounds.
    fn own_limit(&self, event: EventId) -> Option<Duration> {
        let state = self.op_state.try_borrow().ok()?;
        let own = state.borrow::<Events>().trace(event)?.charged()?.cpu()?;
        Some(own.min(self.limit))
    }

    /// Others have computed for an event.
    pub(super) fn used_elsewhere(&self, event: EventId, time: Duration) {
        self.accounts.borrow_mut().entry(Some(event)).or_default().time += time;
        self.changed.set(true);
    }

    /// The agent for which an event works.
    fn agent(&self, event: EventId) -> Option<Arc<Account>> {
        // No op calls scripts while it holds the state. Should one: the next look will know.
        let state = self.op_state.try_borrow().ok()?;
        state.borrow::<Events>().account(event)
    }

    /// Agents that long events have worked for since this was asked last, and how long.
    pub(super) fn take_long(&self) -> Vec<(Arc<Account>, Duration)> {
        self.long.take()
    }

    /// The agent whose event the isolate was at when it was stopped, as far as V8 still knows.
    pub(super) fn stopped_at(&self, runtime: &mut JsRuntime) -> Option<Arc<Account>> {
        deno_core::scope!(scope, runtime);
        self.agent(self.event(scope)?)
    }

    /// An agent's event has taken so long in one go.
    pub(super) fn took(&self, agent: &Arc<Account>, time: Duration) {
        self.long.borrow_mut().push((Arc::clone(agent), time));
    }

    /// How long events of this agent have taken, as far as is known of this turn.
    pub(super) fn known(&self, agent: &Arc<Account>) -> Duration {
        let long = self.long.borrow();
        let own = long.iter().filter(|(other, _)| Arc::ptr_eq(other, agent));
        own.map(|(_, time)| *time).sum()
    }

    /// Whose event the script works for.
    fn running(&self, isolate: &mut v8::Isolate) -> Option<EventId> {
        // SAFETY: V8 has interrupted this isolate on its own thread, and handles may be made there.
        v8::callback_scope!(unsafe scope, isolate);
        let context = v8::Local::new(scope, &self.context);
        let scope = &mut v8::ContextScope::new(scope, context);
        self.event(scope)
    }

    fn event(&self, scope: &mut v8::PinScope<'_, '_>) -> Option<EventId> {
        let event = scope.get_continuation_preserved_embedder_data();
        let event = v8::Local::<v8::Object>::try_from(event).ok()?;
        let id = v8::Local::new(scope, &self.id);
        // A field of ours: no script runs here.
        let id = event.get_real_named_property(scope, id.into())?;
        id.is_uint32().then(|| id.uint32_value(scope)).flatten()
    }

    /// A message has come for these: they begin anew, as with a request.
    pub(super) fn renew(&self, events: &[EventId]) {
        let mut accounts = self.accounts.borrow_mut();
        for event in events {
            if let Some(spent) = accounts.get_mut(&Some(*event)) {
                spent.time = Duration::ZERO;
            }
        }
    }

    /// What the isolate's turn has come to.
    pub(super) fn judge(&self, is_open: impl Fn(EventId) -> bool) -> Verdict {
        if !self.changed.replace(false) {
            return Verdict::Fine;
        }
        judge(&mut self.accounts.borrow_mut(), self.limit, is_open)
    }
}

/// Gives what the event has used of this turn.
fn put_down(accounts: &mut Accounts, event: Option<EventId>, turn: u64, time: Duration) -> Duration {
    let spent = accounts.entry(event).or_default();
    if spent.turn != turn {
        (spent.turn, spent.in_turn) = (turn, Duration::ZERO);
    }
    spent.time += time;
    spent.in_turn += time;
    spent.in_turn
}

fn judge(accounts: &mut Accounts, limit: Duration, is_open: impl Fn(EventId) -> bool) -> Verdict {
    let is_open = |event: Option<EventId>| event.is_some_and(&is_open);
    if accounts.len() > KEPT {
        accounts.retain(|event, _| is_open(*event));
    }
    let mut over = Vec::new();
    for (event, spent) in accounts.iter_mut().filter(|(_, spent)| spent.time > limit) {
        match event {
            Some(id) if is_open(*event) => over.push(*id),
            _ => return Verdict::Lingers(spent.agent.clone()),
        }
        // It is ended for this. What it leaves behind may use as much once more.
        spent.time = Duration::ZERO;
    }
    if over.is_empty() {
        Verdict::Fine
    } else {
        Verdict::Over(over)
    }
}

/// Interrupts an isolate, from any thread.
pub(super) fn sample(isolate: &v8::IsolateHandle) {
    isolate.request_interrupt(interrupted, null_mut());
}

#[expect(
    unsafe_code,
    reason = "V8's callback is of this type, and knows its isolate by a pointer only"
)]
unsafe extern "C" fn interrupted(isolate: v8::UnsafeRawIsolatePtr, _data: *mut c_void) {
    // SAFETY: the isolate runs the callback that asks, on this thread, so it lives.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    // Nothing is known of it while it starts.
    if let Some(cpu_accounting) = isolate.get_slot::<Rc<CpuAccounting>>().cloned() {
        cpu_accounting.meet(&mut isolate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(50);
    const LOOK: Duration = Duration::from_millis(2);

    fn used(accounts: &mut Accounts, event: Option<EventId>, looks: u32) {
        for turn in 0..looks {
            put_down(accounts, event, u64::from(turn), LOOK);
        }
    }

    #[test]
    fn one_that_has_used_more_than_it_may_is_named() {
        let mut accounts = Accounts::new();
        used(&mut accounts, Some(1), 25);
        used(&mut accounts, Some(2), 26);
        assert!(matches!(judge(&mut accounts, LIMIT, |_| true), Verdict::Over(over) if over == [2]));
        assert!(matches!(judge(&mut accounts, LIMIT, |_| true), Verdict::Fine));
    }

    #[test]
    fn one_that_has_ended_and_goes_on_lingers() {
        let mut accounts = Accounts::new();
        used(&mut accounts, Some(1), 26);
        assert!(matches!(judge(&mut accounts, LIMIT, |_| true), Verdict::Over(over) if over == [1]));
        used(&mut accounts, Some(1), 26);
        assert!(matches!(judge(&mut accounts, LIMIT, |_| false), Verdict::Lingers(None)));
        let mut accounts = Accounts::new();
        used(&mut accounts, None, 26);
        assert!(matches!(judge(&mut accounts, LIMIT, |_| true), Verdict::Lingers(None)));
    }

    #[test]
    fn accounts_of_events_that_have_ended_do_not_pile_up() {
        let mut accounts = Accounts::new();
        for event in 0..2 * u32::try_from(KEPT).unwrap() {
            used(&mut accounts, Some(event), 1);
        }
        judge(&mut accounts, LIMIT, |event| event < 3);
        assert_eq!(accounts.len(), 3);
    }

    #[test]
    fn each_turn_is_counted_anew() {
        let mut accounts = Accounts::new();
        assert_eq!(put_down(&mut accounts, Some(1), 1, LOOK), LOOK);
        assert_eq!(put_down(&mut accounts, Some(1), 1, LOOK), LOOK * 2);
        assert_eq!(put_down(&mut accounts, Some(1), 3, LOOK), LOOK);
    }
}
