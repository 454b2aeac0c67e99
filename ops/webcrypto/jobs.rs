//! Calls of `crypto.subtle` that compute on a thread: each waits for a slot in its agent's turn, is held to its bounds here, and its
//! CPU time is put down to its event and its agent.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

use super::bounds::{check, inputs};
use super::operation;
use super::slots::{SLOTS_OF_PROCESS, Slot};
use crate::account::{Account, Kind};
use crate::events::Events;
use crate::external_memory::{ExternalMemory, Reservation};
use crate::origin::EventId;
use crate::poll_time::thread_cpu;

/// How many times the time of an event is what nobody waits for any longer, or not yet, may compute. A tight loop of such calls is met
/// by the watchdog before that.
const OUTSIDE: u32 = 10;

/// What an isolate's calls may be. The host puts it into each.
#[derive(Debug, Clone, Copy)]
pub struct CryptoLimits {
    /// The script is its owner's own, and may ask for more.
    pub trusted: bool,
    /// CPU time that the calls of one event may take together. Once they have, none is begun.
    pub cpu: Duration,
}

/// Slots that were given to this isolate's calls, which are about to begin.
#[derive(Default)]
struct Granted {
    by_number: HashMap<u32, (Slot, Payer)>,
    last: u32,
    /// An op has waited. deno_core polls such ops in a task of its own, which it spawns in the runtime where the first one waits:
    /// that must not be a slot's.
    has_waited: bool,
    /// What is computed for no event, or for one that has ended, in nanoseconds since an event asked.
    outside: Arc<AtomicU64>,
    /// The agent's, where the isolate has one agent's events only.
    account: Option<Arc<Account>>,
}

fn granted(state: &mut OpState) -> &mut Granted {
    if !state.has::<Granted>() {
        state.put(Granted::default());
    }
    state.borrow_mut::<Granted>()
}

/// Who pays for a call.
#[derive(Clone)]
struct Payer {
    account: Option<Arc<Account>>,
    /// Nanoseconds that the event's calls have computed for.
    event: Arc<AtomicU64>,
}

impl Payer {
    /// Who pays for the event with this number, which may be none that is open: a module is evaluated, or what began in an event
    /// goes on.
    fn of(state: &mut OpState, event: EventId) -> Result<Self, JsErrorBox> {
        let CryptoLimits { trusted, cpu } = *state.borrow::<CryptoLimits>();
        let scope = state.borrow::<Events>().scope(event);
        let granted = granted(state);
        let (payer, limit) = if let Some(scope) = scope {
            granted.outside.store(0, Ordering::Relaxed);
            let account = scope.origin.trace.account().cloned();
            if !trusted && granted.account.is_none() {
                granted.account.clone_from(&account);
            }
            let event = Arc::clone(&scope.computed);
            (Self { account, event }, cpu)
        } else {
            let (account, event) = (granted.account.clone(), Arc::clone(&granted.outside));
            (Self { account, event }, cpu.saturating_mul(OUTSIDE))
        };
        if Duration::from_nanos(payer.event.load(Ordering::Relaxed)) >= limit {
            return Err(operation("crypto.subtle has used the CPU time that the event may use"));
        }
        Ok(payer)
    }

    fn pays(&self, time: Duration) {
        if let Some(account) = &self.account {
            account.charge_job(time);
        }
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.event.fetch_add(time, Ordering::Relaxed);
    }

    fn whose(&self) -> Option<crate::account::AgentId> {
        self.account.as_ref().map(|account| account.id().clone())
    }
}

fn grant(state: &mut OpState, slot: Slot, payer: Payer) -> u32 {
    let granted = granted(state);
    granted.last = (granted.last + 1) & 0x3fff_ffff;
    granted.by_number.insert(granted.last, (slot, payer));
    granted.last
}

/// The number of a slot for one call, or -1 where the call has to wait for one.
#[op2(fast)]
#[smi]
pub(crate) fn op_crypto_turn_now(state: &mut OpState, #[smi] event: EventId) -> Result<i32, JsErrorBox> {
    let payer = Payer::of(state, event)?;
    if !granted(state).has_waited {
        return Ok(-1);
    }
    let Some(slot) = SLOTS_OF_PROCESS.try_take(&payer.whose()) else {
        return Ok(-1);
    };
    let number = grant(state, slot, payer);
    Ok(i32::try_from(number).unwrap_or(-1))
}

/// The number of a slot for one call, in its agent's turn.
#[op2]
#[smi]
pub(crate) async fn op_crypto_turn(state: Rc<RefCell<OpState>>, #[smi] event: EventId) -> Result<u32, JsErrorBox> {
    let whose = Payer::of(&mut state.borrow_mut(), event)?.whose();
    tokio::task::yield_now().await;
    granted(&mut state.borrow_mut()).has_waited = true;
    let slot = SLOTS_OF_PROCESS.take(whose).await;
    let slot = slot.ok_or_else(|| operation("no thread can be had"))?;
    let mut state = state.borrow_mut();
    // Its other calls have computed in the meantime.
    let payer = Payer::of(&mut state, event)?;
    Ok(grant(&mut state, slot, payer))
}

/// Calls a method of deno_crypto's `SubtleCrypto` in a slot. Whatever it hands to a thread runs on the slot's. Its arguments are
/// plain data: no code of an author's runs within.
#[op2(reentrant)]
pub(crate) fn op_crypto_call<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: Rc<RefCell<OpState>>,
    #[smi] turn: u32,
    #[string] name: &str,
    method: v8::Local<'s, v8::Function>,
    this: v8::Local<'s, v8::Value>,
    arguments: v8::Local<'s, v8::Array>,
) -> Result<v8::Local<'s, v8::Value>, JsErrorBox> {
    let (slot, payer, limits, memory) = {
        let mut state = state.borrow_mut();
        let given = granted(&mut state).by_number.remove(&turn);
        let (slot, payer) = given.ok_or_else(|| operation("there is no turn for it"))?;
        let memory = state.borrow::<ExternalMemory>().clone();
        (slot, payer, *state.borrow::<CryptoLimits>(), memory)
    };
    let mut given = Vec::new();
    for index in 0..arguments.length() {
        let argument = arguments.get_index(scope, index);
        given.push(argument.ok_or_else(|| operation("an argument can not be read"))?);
    }
    let needed = check(scope, name, &given, limits.trusted)?;
    // They are copied before the work begins.
    let held = memory.reserve(inputs(&given).saturating_add(needed));
    let held = held.map_err(JsErrorBox::from_err)?;
    let runtime = slot.runtime().ok_or_else(|| operation("no thread can be had"))?;
    let job = Job::begin(&runtime, payer);
    let returned = {
        let _entered = runtime.enter();
        method.call(scope, this, &given)
    };
    job.end(&runtime, slot, held);
    // What it threw is thrown on.
    Ok(returned.unwrap_or_else(|| v8::undefined(scope).into()))
}

/// What a slot's thread does for one call. It does one thing after the other.
struct Job {
    payer: Payer,
    /// The thread's CPU time as it began, in nanoseconds.
    began: Arc<AtomicU64>,
}

impl Job {
    fn begin(runtime: &tokio::runtime::Runtime, payer: Payer) -> Self {
        let began = Arc::new(AtomicU64::new(u64::MAX));
        let start = Arc::clone(&began);
        runtime.spawn_blocking(move || start.store(cpu(), Ordering::Relaxed));
        Self { payer, began }
    }

    /// Whatever was handed to the thread in between is done first.
    fn end(self, runtime: &tokio::runtime::Runtime, slot: Slot, held: Reservation) {
        let place = self.payer.account.as_ref();
        let place = place.and_then(|account| account.take(Kind::Job, usize::MAX));
        runtime.spawn_blocking(move || {
            let time = cpu().saturating_sub(self.began.load(Ordering::Relaxed));
            self.payer.pays(Duration::from_nanos(time));
            drop((place, held, slot));
        });
    }
}

/// The CPU time of this thread, in nanoseconds.
fn cpu() -> u64 {
    thread_cpu().map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
