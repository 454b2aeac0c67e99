//! Events: one request handed to a script, from its start until its response is sent, its body has ended and its
//! `waitUntil` promises have settled. What an event opened is closed when it ends.

mod elsewhere;
mod ending;
mod opens;
mod ops;
mod respond;
mod scope;
mod written;

pub(crate) use elsewhere::Elsewhere;
use ending::end_if_done;
pub use ending::{body_ended, cancel, expire, released, terminate};
pub(crate) use ending::{rpc_replied, socket_closes, socket_opens};
pub use opens::Opens;
pub(crate) use ops::{op_event_abort, op_event_fail, op_event_settled, op_event_waiting};
pub(crate) use respond::op_event_respond;
pub use scope::Scope;
pub use written::BeingWritten;
pub(crate) use written::{Writing, Written};

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use deno_core::unsync::spawn;
use deno_core::{OpState, ResourceId};
use tokio::sync::oneshot;

use crate::account::Account;
use crate::error::{EventError, Termination};
use crate::external_memory::ExternalMemory;
use crate::inbox::{Inbox, Message};
use crate::message::Response;
use crate::origin::{EventId, Origin};
use crate::rpc::{Failure, Outcome, Payload, ReplyTo, Running, STUBS};
use crate::shares::Live;
use crate::tail::{TAILS, Tail, Tails, Told};
use crate::trace::Trace;
use crate::worker_log::About;

/// Why an event failed whose handler waits for what nothing can bring. The same words as workerd's.
pub const HUNG: &str = "The Workers runtime canceled this request because it detected that your Worker's code had hung and would never generate a \
                    response. Refer to: https://developers.cloudflare.com/workers/observability/errors/";

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
    live: Live,
}

impl Entry {
    /// Its handler and its `waitUntil` promises have settled, or go on.
    fn settle(&mut self, settled: bool) {
        self.settled = settled;
        self.live.settles(settled);
    }

    fn is_held(&self) -> bool {
        self.sockets > 0 || self.called && (self.held > 0 || !self.running.is_empty())
    }
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
    /// Bodies that its scripts write.
    written: Written,
    /// Those that have begun to wait for their `waitUntil` promises.
    waiting: RefCell<Vec<EventId>>,
    tails: Option<Tails>,
}

impl Events {
    /// No events yet. The inbox is where response bodies report their end.
    pub fn new(inbox: Rc<Inbox>, limits: EventLimits) -> Self {
        Self {
            entries: HashMap::new(),
            elsewhere: Elsewhere::new(&inbox),
            inbox,
            limits,
            last_running: 0,
            ended: Vec::new(),
            renewed: RefCell::default(),
            written: Written::default(),
            waiting: RefCell::default(),
            tails: None,
        }
    }

    /// The events of the script of this name are told so.
    pub fn are_told(&mut self, told: Told, script: &str, memory: ExternalMemory) {
        let script = script.into();
        self.tails = Some(Tails { told, script, memory });
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
        self.elsewhere.take()
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

    /// A script begins to write a body, which is open until what this gives is dropped.
    pub(crate) fn writes(&self) -> Writing {
        self.written.begin()
    }

    /// Bodies that scripts have begun to write since this was asked last.
    pub fn take_written(&self) -> Vec<BeingWritten> {
        self.written.take()
    }

    /// Events that have begun to wait for their `waitUntil` promises since this was asked last.
    pub fn take_waiting(&self) -> Vec<EventId> {
        self.waiting.take()
    }

    /// Whether an event waits for its `waitUntil` promises, or its handler is at work.
    pub fn is_unsettled(&self, id: EventId) -> bool {
        self.entries.get(&id).is_some_and(|entry| !entry.settled)
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
        self.waiting.borrow_mut().push(id);
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
        let tails = self.tails.as_ref().filter(|_| origin.trace.tails.get() <= TAILS);
        let scope = Scope::new(origin, &live, body, self.limits.at_once, tails.map(Tail::new));
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
                live,
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

    /// Whether an event has not answered its request.
    pub fn is_unanswered(&self, id: EventId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.reply.is_some())
    }

    /// Whether an event works for a call that has no answer.
    pub fn is_running(&self, id: EventId, running: u32) -> bool {
        self.entries
            .get(&id)
            .is_some_and(|entry| entry.running.contains_key(&running))
    }

    /// Whether something that is no op may still bring an event what it waits for: the answer to a call.
    pub fn waits_for_calls(&self, id: EventId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.scope.rpc.calls() > 0)
    }

    /// Fails an event's request: nothing is left that could go on with its handler.
    pub fn abandon(&mut self, id: EventId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let Some(reply) = entry.reply.take() else { return };
        let summary = format!("Error: {HUNG}");
        if let Some(tail) = &entry.scope.tail {
            tail.exception(&summary, "");
        }
        let _ = reply.send(Err(EventError::Exception {
            summary,
            stack: String::new(),
        }));
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

/// What an event's line of the log is about.
pub(crate) fn about(state: &OpState, id: EventId) -> About {
    About::of(state.borrow(), state.borrow::<Events>().trace(id))
}
