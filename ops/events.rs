//! Events: one request handed to a script, from its start until its response is sent, its body has ended and its
//! `waitUntil` promises have settled. What an event opened is closed when it ends.

mod respond;

pub(crate) use respond::op_event_respond;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use deno_core::unsync::spawn;
use deno_core::{CancelHandle, OpState, ResourceId, op2};
use tokio::sync::{Semaphore, oneshot};

use crate::account::Account;
use crate::error::{EventError, Termination};
use crate::external_memory::ExternalMemory;
use crate::fetch::EgressHandle;
use crate::inbox::{Inbox, Message};
use crate::message::{Request, Response};
use crate::origin::{EventId, Origin};
use crate::rpc::{self, Failure, Outcome, Payload, ReplyTo, RpcScope, Running, STUBS};
use crate::shares::{Holding, Live};
use crate::stop::Stop;
use crate::tail::{Tail, Tails};
use crate::tcp::is_connect;
use crate::trace::Trace;
use crate::websocket::{OfEvent, is_handshake};
use crate::worker_log::{About, author_stack, complain};

/// What belongs to one event and ends with it.
pub struct Scope {
    /// Cancels the event's requests.
    pub cancel: Rc<CancelHandle>,
    /// Where the event comes from.
    pub origin: Origin,
    /// What is held for it.
    pub holding: Rc<Holding>,
    /// One for each request that may be under way at once.
    pub(crate) slots: Rc<Semaphore>,
    /// Nanoseconds of CPU time that its calls of `crypto.subtle` have computed for.
    pub(crate) computed: Arc<AtomicU64>,
    /// What it holds of others.
    pub rpc: RpcScope,
    resources: RefCell<Vec<ResourceId>>,
    /// What is dropped at its end.
    kept: RefCell<Vec<Box<dyn Any>>>,
    fetches: Cell<u32>,
    /// What tail workers are told of it, where there are some.
    pub(crate) tail: Option<Tail>,
    /// WebSockets that it has accepted.
    pub(crate) sockets: OfEvent,
}

/// CPU time that was used elsewhere for an isolate's events, and is not put down to them yet.
pub struct Elsewhere {
    inbox: Rc<Inbox>,
    spent: RefCell<Vec<(EventId, Duration)>>,
}

impl Elsewhere {
    /// Something has computed for this event.
    pub(crate) fn add(&self, event: EventId, time: Duration) {
        let mut spent = self.spent.borrow_mut();
        match spent.iter_mut().find(|(known, _)| *known == event) {
            Some((_, known)) => *known += time,
            None => spent.push((event, time)),
        }
        self.inbox.wake();
    }
}

impl Scope {
    /// Counts a request. Gives whether the event may make it.
    pub(crate) fn count_fetch(&self, limit: u32) -> bool {
        let may = self.fetches.get() < limit;
        self.fetches.set(self.fetches.get().saturating_add(1));
        may && self.origin.trace.charged().is_none_or(|charged| charged.may_fetch())
    }

    /// Keeps something until the event's end, and drops it then.
    pub fn keep(&self, what: Box<dyn Any>) {
        self.kept.borrow_mut().push(what);
    }

    /// Ties a resource to the event.
    pub fn own(&self, rid: ResourceId) {
        self.resources.borrow_mut().push(rid);
    }
}

/// What a request asks to open, beside its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// Nothing.
    Nothing,
    /// A WebSocket.
    WebSocket,
    /// A connection of TCP.
    Tcp,
}

impl Opens {
    /// What this one asks for.
    pub fn of(request: &Request) -> Self {
        if is_connect(request) {
            Self::Tcp
        } else if is_handshake(request) {
            Self::WebSocket
        } else {
            Self::Nothing
        }
    }
}

struct Entry {
    /// The request was a HEAD: its response may tell the length of a body that it does not have.
    head: bool,
    /// What the request asked to open.
    opens: Opens,
    reply: Option<oneshot::Sender<Result<Response, EventError>>>,
    scope: Rc<Scope>,
    settled: bool,
    body_ended: bool,
    /// It began with a call, and goes on while something of it is held.
    called: bool,
    /// How many things of it others hold, results of calls too.
    held: usize,
    /// Calls that it is at work for.
    running: HashMap<u32, Running>,
    /// WebSockets that it has accepted and that are open: it goes on with them.
    sockets: usize,
    /// Who wants to hear of its end: they fail when they are dropped.
    watchers: Vec<ReplyTo>,
    /// Counts it among what its isolate has to do.
    _live: Live,
}

/// What the events of one isolate may use.
#[derive(Debug, Clone, Copy)]
pub struct EventLimits {
    /// How long `waitUntil` promises may take after the response.
    pub wait_until: Duration,
    /// Requests of one event that are under way at once; the rest wait.
    pub at_once: usize,
    /// Bytes of a response's headers, names and values together.
    pub headers: usize,
    /// Bytes of a request's body that its script reads, and of a response's. What is passed on unread has no limit.
    pub read: (Option<u64>, Option<u64>),
}

/// The events of one isolate that have not ended.
pub struct Events {
    entries: HashMap<EventId, Entry>,
    inbox: Rc<Inbox>,
    limits: EventLimits,
    last_running: u32,
    /// For whom those worked that have ended in this turn.
    ended: Vec<(EventId, Rc<Trace>)>,
    elsewhere: Rc<Elsewhere>,
    /// Those that have been given a message from outside.
    renewed: RefCell<Vec<EventId>>,
    tails: Option<Tails>,
}

impl Events {
    /// No events yet. The inbox is where response bodies report their end.
    pub fn new(inbox: Rc<Inbox>, limits: EventLimits) -> Self {
        Self {
            entries: HashMap::new(),
            elsewhere: Rc::new(Elsewhere {
                inbox: Rc::clone(&inbox),
                spent: RefCell::default(),
            }),
            inbox,
            limits,
            last_running: 0,
            ended: Vec::new(),
            renewed: RefCell::default(),
            tails: None,
        }
    }

    /// Whoever this way leads to is told of the events of the script of this name.
    pub fn are_told(&mut self, egress: EgressHandle, script: &str, memory: ExternalMemory) {
        let script = script.into();
        self.tails = Some(Tails { egress, script, memory });
    }

    /// What tail workers are told of an event.
    pub fn tail(&self, id: EventId) -> Option<&Tail> {
        self.entries.get(&id)?.scope.tail.as_ref()
    }

    /// Where CPU time is put down that others use for these events.
    pub(crate) fn elsewhere(&self) -> Rc<Elsewhere> {
        Rc::clone(&self.elsewhere)
    }

    /// What others have used for these events since this was asked last.
    pub fn take_elsewhere(&self) -> Vec<(EventId, Duration)> {
        self.elsewhere.spent.take()
    }

    /// A message has come for an event: it may compute for it as for a request.
    pub(crate) fn renew(&self, id: EventId) {
        let mut renewed = self.renewed.borrow_mut();
        if renewed.last() != Some(&id) {
            renewed.push(id);
        }
    }

    /// Those that a message has come for since this was asked last.
    pub fn take_renewed(&self) -> Vec<EventId> {
        self.renewed.take()
    }

    /// What its scripts may read of a request's body, and of a response's.
    pub fn read_limits(&self) -> (Option<u64>, Option<u64>) {
        self.limits.read
    }

    /// It need not be known any longer for whom those have worked that have ended.
    pub fn turn_ends(&mut self) {
        self.ended.clear();
    }

    /// For whom an event works, or has worked if it has ended in this turn.
    pub fn account(&self, id: EventId) -> Option<Arc<Account>> {
        self.trace(id)?.account().cloned()
    }

    /// The trace of an event, if that has not ended before this turn.
    pub fn trace(&self, id: EventId) -> Option<&Rc<Trace>> {
        if let Some(entry) = self.entries.get(&id) {
            return Some(&entry.scope.origin.trace);
        }
        let ended = self.ended.iter().rev().find(|(ended, _)| *ended == id);
        ended.map(|(_, trace)| trace)
    }

    /// For whom all events work, where that is one.
    pub fn only_account(&self) -> Option<Arc<Account>> {
        let entry = self.entries.values().next()?;
        let one = self.inbox.shares().is_one_callers();
        one.then(|| entry.scope.origin.trace.account().cloned()).flatten()
    }

    /// Ends an event in time that waits for its `waitUntil` promises.
    fn expire(&self, id: EventId) {
        let (inbox, waits) = (Rc::clone(&self.inbox), self.limits.wait_until);
        spawn(async move {
            tokio::time::sleep(waits).await;
            inbox.push(Message::Expire(id));
        });
    }

    /// Registers an event whose handler is about to run.
    pub fn start(
        &mut self,
        id: EventId,
        reply: Option<oneshot::Sender<Result<Response, EventError>>>,
        body: Option<ResourceId>,
        (head, opens): (bool, Opens),
        origin: Origin,
        live: Live,
    ) {
        let tails = self.tails.as_ref().filter(|_| !origin.trace.tails.get());
        let scope = Scope {
            tail: tails.map(Tail::new),
            cancel: CancelHandle::new_rc(),
            holding: live.holding(),
            origin,
            computed: Arc::default(),
            resources: RefCell::new(body.into_iter().collect()),
            rpc: RpcScope::default(),
            slots: Rc::new(Semaphore::new(self.limits.at_once)),
            kept: RefCell::default(),
            fetches: Cell::new(0),
            sockets: OfEvent::default(),
        };
        self.entries.insert(
            id,
            Entry {
                head,
                opens,
                called: reply.is_none(),
                body_ended: reply.is_none(),
                reply,
                scope: Rc::new(scope),
                settled: false,
                held: 0,
                running: HashMap::new(),
                sockets: 0,
                watchers: Vec::new(),
                _live: live,
            },
        );
    }

    /// Its isolate's queue.
    pub(crate) fn inbox(&self) -> &Rc<Inbox> {
        &self.inbox
    }

    /// Something more of an event is held, where it may be.
    pub(crate) fn hold(&mut self, id: EventId) -> bool {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.held < STUBS) else {
            return false;
        };
        entry.held += 1;
        true
    }

    /// An event begins to work for a call, whose result is held as well. Gives the number of that work, or the call back where it has
    /// too much to do, or has ended.
    pub fn run(&mut self, id: EventId, running: Running) -> Result<u32, Running> {
        self.last_running = self.last_running.wrapping_add(1);
        match self.entries.get_mut(&id) {
            Some(entry) if entry.held < 2 * STUBS => {
                entry.held += 1;
                entry.running.insert(self.last_running, running);
                Ok(self.last_running)
            }
            _ => Err(running),
        }
    }

    /// Somebody wants to hear of an event's end. Where there are too many, or it has ended, that is now.
    pub fn watch(&mut self, id: EventId, told: ReplyTo) {
        if let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.watchers.len() < STUBS) {
            entry.watchers.push(told);
        }
    }

    /// The arguments of a call that an event works for, once.
    pub(crate) fn arguments(&mut self, id: EventId, running: u32) -> Option<Payload> {
        self.entries.get_mut(&id)?.running.get_mut(&running)?.arguments.take()
    }

    /// What belongs to an event that has not ended.
    pub fn scope(&self, id: EventId) -> Option<Rc<Scope>> {
        self.entries.get(&id).map(|entry| Rc::clone(&entry.scope))
    }

    /// Whether an event has not ended.
    pub fn is_open(&self, id: EventId) -> bool {
        self.entries.contains_key(&id)
    }

    /// Answers an event's request, and the calls that it works for, with why it was ended.
    pub fn refuse(&mut self, id: EventId, why: Termination) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if let Some(tail) = &entry.scope.tail {
            tail.terminated(why);
        }
        if let Some(reply) = entry.reply.take() {
            let _ = reply.send(Err(EventError::Terminated(why)));
        }
        for (_, Running { reply, .. }) in entry.running.drain() {
            reply.send(Outcome::Failed(Failure::stopped(why)));
        }
    }

    /// The only event that has not ended.
    pub fn only(&self) -> Option<EventId> {
        if self.entries.len() != 1 {
            return None;
        }
        self.entries.keys().next().copied()
    }

    /// How many events have not ended.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether every event has ended.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Marks the body's end. Gives true where the event ended with it.
pub fn body_ended(state: &mut OpState, id: EventId) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.body_ended = true;
    }
    end_if_done(state, id)
}

/// Ends an event that nobody waits for, unless its `waitUntil` promises still run. Gives true where it ended.
pub fn cancel(state: &mut OpState, id: EventId, waiting: bool) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        if entry.reply.take().is_some() || !entry.running.is_empty() {
            entry.scope.tail.iter().for_each(Tail::canceled);
        }
        entry.body_ended = true;
        entry.sockets = 0;
        if entry.called {
            entry.held = 0;
            entry.called = false;
        }
        if !waiting {
            entry.settled = true;
        }
    }
    end_if_done(state, id)
}

/// Ends every event: their isolate was stopped. Where it was stopped for one agent, the others' events do not hear why.
pub fn terminate(state: &mut OpState, why: Termination, blamed: Option<&Arc<Account>>) {
    let ids: Vec<EventId> = state.borrow::<Events>().entries.keys().copied().collect();
    for id in ids {
        let events = state.borrow_mut::<Events>();
        let account = events.account(id);
        match (blamed, account) {
            (Some(blamed), Some(account)) if !Arc::ptr_eq(blamed, &account) => {
                let reply = events.entries.get_mut(&id).and_then(|entry| entry.reply.take());
                if let Some(reply) = reply {
                    let _ = reply.send(Err(EventError::Shutdown));
                }
            }
            _ => events.refuse(id, why),
        }
        cancel(state, id, false);
    }
}

impl Entry {
    fn is_held(&self) -> bool {
        self.sockets > 0 || self.called && (self.held > 0 || !self.running.is_empty())
    }
}

/// A call that an event has worked for has its answer. Gives whether the event ended with it.
pub(crate) fn rpc_replied(state: &mut OpState, id: EventId, running: u32, outcome: Outcome, settled: bool) -> bool {
    let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) else {
        return true;
    };
    let Some(Running { reply, .. }) = entry.running.remove(&running) else {
        return false;
    };
    if let (Some(tail), Outcome::Failed(why)) = (&entry.scope.tail, &outcome) {
        tail.exception(&format!("{}: {}", why.name, why.message), &author_stack(&why.stack));
    }
    if entry.called {
        entry.settled |= settled;
        if !entry.settled {
            state.borrow::<Events>().expire(id);
        }
    }
    reply.send(outcome);
    end_if_done(state, id)
}

/// An event has accepted a WebSocket. Gives whether it has not ended.
pub(crate) fn socket_opens(state: &mut OpState, id: EventId) -> bool {
    let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) else {
        return false;
    };
    entry.sockets += 1;
    true
}

/// And that is over. Gives whether the event ended with it.
pub(crate) fn socket_closes(state: &mut OpState, id: EventId) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.sockets = entry.sockets.saturating_sub(1);
    }
    end_if_done(state, id)
}

/// Nobody holds something any longer that an event has given. Gives whether the event ended with it.
pub fn released(state: &mut OpState, id: EventId) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.held = entry.held.saturating_sub(1);
    }
    end_if_done(state, id)
}

fn end_if_done(state: &mut OpState, id: EventId) -> bool {
    let events = state.borrow_mut::<Events>();
    if !events
        .entries
        .get(&id)
        .is_some_and(|entry| entry.settled && entry.body_ended && !entry.is_held())
    {
        return false;
    }
    let Some(entry) = events.entries.remove(&id) else {
        return false;
    };
    let trace = Rc::clone(&entry.scope.origin.trace);
    state.borrow_mut::<Events>().ended.push((id, trace));
    entry.scope.cancel.cancel();
    if let Some(tail) = &entry.scope.tail {
        tail.finish(&entry.scope.origin);
    }
    drop(entry.scope.kept.take());
    for rid in entry.scope.resources.take() {
        if let Ok(resource) = state.resource_table.take_any(rid) {
            resource.close();
        }
    }
    true
}

/// A handler that brought no response. Gives true where the event ended with it.
#[op2(fast)]
pub(crate) fn op_event_fail(
    state: &mut OpState,
    #[smi] id: EventId,
    #[string] summary: String,
    #[string] stack: String,
    settled: bool,
) -> bool {
    // A script that is being stopped hears from what it called that it was: why its event ends is told by who stops it.
    if state.try_borrow::<Stop>().is_some_and(Stop::is_ordered) {
        return false;
    }
    let stack = author_stack(&stack);
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.settled |= settled;
        entry.body_ended = true;
        if let Some(tail) = &entry.scope.tail {
            tail.exception(&summary, &stack);
        }
        if let Some(reply) = entry.reply.take() {
            let _ = reply.send(Err(EventError::Exception { summary, stack }));
        }
    }
    end_if_done(state, id)
}

/// A script ends its event at once, which fails whoever waits for something of it. Gives true where the event ended with it.
#[op2(fast)]
pub(crate) fn op_event_abort(
    state: &mut OpState,
    #[smi] id: EventId,
    #[string] name: String,
    #[string] message: String,
    told: bool,
    #[string] stack: String,
    #[buffer] value: &[u8],
) -> bool {
    if state.try_borrow::<Stop>().is_some_and(Stop::is_ordered) {
        return false;
    }
    let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) else {
        return true;
    };
    let stack = author_stack(&stack);
    let summary = format!("{name}: {message}");
    let failure = Failure {
        name,
        message,
        value: rpc::thrown(value),
        told,
        stack: stack.clone(),
    };
    if let Some(tail) = &entry.scope.tail {
        tail.exception(&summary, &stack);
    }
    for (_, running) in entry.running.drain() {
        running.reply.send(Outcome::Failed(failure.clone()));
    }
    if let Some(reply) = entry.reply.take() {
        let _ = reply.send(Err(EventError::Exception { summary, stack }));
    }
    cancel(state, id, false)
}

/// What an event's line of the log is about.
pub(crate) fn about(state: &OpState, id: EventId) -> About {
    About::of(state.borrow(), state.borrow::<Events>().trace(id))
}

/// The time of an event's `waitUntil` promises is over. Gives true where that ended it, and where they had not settled.
pub fn expire(state: &mut OpState, id: EventId) -> bool {
    let about = about(state, id);
    match state.borrow_mut::<Events>().entries.get_mut(&id) {
        Some(entry) if !entry.settled => entry.settled = true,
        _ => return false,
    }
    complain(&about, "waitUntil() promises took too long and were given up");
    end_if_done(state, id)
}

/// All of an event's `waitUntil` promises have settled. Gives true where the event ended with them.
#[op2(fast)]
pub(crate) fn op_event_settled(state: &mut OpState, #[smi] id: EventId) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.settled = true;
    }
    end_if_done(state, id)
}

/// A `waitUntil` promise came after the response: the event goes on until it settles.
#[op2(fast)]
pub(crate) fn op_event_waiting(state: &mut OpState, #[smi] id: EventId) {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.settled = false;
        state.borrow::<Events>().expire(id);
    }
}
