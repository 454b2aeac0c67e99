//! The events that a process has of one link. A request on its way out is of one of these, or it is refused: so who asks is known, and what
//! one event may ask for is counted here, whatever the process counts.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{CallerId, FetchError, Origin, Termination};

use crate::boundary::{Bridge, UnderWay};
use crate::limits::Limits;

/// How much longer than it may an event is known whose end nobody tells.
const GRACE: Duration = Duration::from_secs(10);

/// How often a process may name events that there are not, beside once for each that there was.
const STRAYS: u64 = 1000;

/// One event.
pub(super) struct Event {
    /// Its agent, by its place among the process's.
    pub(super) agent: usize,
    /// In whose name a policy's requests go out; nobody's, where it is an agent's.
    caller: CallerId,
    pub(super) trace: Rc<Trace>,
    pub(super) limits: Limits,
    fetches: Cell<u32>,
    tokens: Cell<u32>,
    /// Requests that may be under way at once.
    pub(super) slots: Semaphore,
    began: Instant,
    /// CPU time that was told of.
    cpu: Cell<Duration>,
    /// Whether its response is waited for: whoever does tells of its end.
    awaited: Cell<bool>,
    /// Since when nobody reads its response any longer.
    unread: Cell<Option<Instant>>,
    /// Whether it was told of what became of it.
    pub(super) told: Cell<bool>,
    /// Whether it is over, and who waits for that.
    over: Cell<bool>,
    waiting: Notify,
    /// What is given and held for it.
    bridge: OnceCell<Rc<Bridge>>,
    /// The process is not put away before its end.
    _under_way: UnderWay,
}

impl Event {
    pub(super) fn new(
        (agent, caller): (usize, CallerId),
        trace: Rc<Trace>,
        limits: Limits,
        under_way: UnderWay,
    ) -> Rc<Self> {
        Rc::new(Self {
            agent,
            caller,
            trace,
            fetches: Cell::new(0),
            tokens: Cell::new(0),
            // The process lets no more begin. This one waits where it does.
            slots: Semaphore::new(limits.subrequests_at_once.clamp(1, Semaphore::MAX_PERMITS)),
            limits,
            began: Instant::now(),
            cpu: Cell::new(Duration::ZERO),
            awaited: Cell::new(true),
            unread: Cell::new(None),
            told: Cell::new(false),
            over: Cell::new(false),
            waiting: Notify::new(),
            bridge: OnceCell::new(),
            _under_way: under_way,
        })
    }

    /// Where what it asks for comes from.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            caller: self.caller,
            trace: Rc::clone(&self.trace),
        }
    }

    /// Counts a request. Fails where the event has made as many as it may.
    pub(super) fn count_fetch(&self) -> Result<(), FetchError> {
        self.count(&self.fetches)
    }

    /// Counts a token, of which it may ask for as many.
    pub(super) fn count_token(&self) -> Result<(), FetchError> {
        self.count(&self.tokens)
    }

    fn count(&self, what: &Cell<u32>) -> Result<(), FetchError> {
        let made = what.get();
        what.set(made.saturating_add(1));
        if made < self.limits.subrequests {
            Ok(())
        } else {
            Err(FetchError::TooMany)
        }
    }

    /// The process says that it has used so much in all. More than there was time for is not believed.
    pub(super) fn computed(&self, cpu: Duration) {
        let cpu = cpu.min(self.began.elapsed());
        let more = cpu.saturating_sub(self.cpu.get());
        self.cpu.set(self.cpu.get() + more);
        self.trace.usage().computed(more);
        if let Some(account) = self.trace.account() {
            account.charge_script(more);
        }
    }

    /// Its response's head is there.
    pub(super) fn is_answered(&self) {
        self.awaited.set(false);
    }

    /// Whether its response is waited for.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited.get()
    }

    /// Its response has been read, or is not waited for any longer.
    pub(super) fn is_read(&self) {
        self.awaited.set(false);
        self.unread.set(Some(Instant::now()));
    }

    /// What is given and held for it passes this.
    pub(super) fn has(&self, bridge: &Rc<Bridge>) {
        let _ = self.bridge.set(Rc::clone(bridge));
    }

    /// That.
    pub(super) fn bridge(&self) -> Option<&Rc<Bridge>> {
        self.bridge.get()
    }

    fn end(&self) {
        self.over.set(true);
        if let Some(bridge) = self.bridge.get() {
            bridge.close();
        }
        self.waiting.notify_waiters();
    }

    /// Waits until it is over.
    pub(super) async fn over(&self) {
        // Nothing runs between the look and the wait: both are on one thread.
        if !self.over.get() {
            self.waiting.notified().await;
        }
    }

    fn is_stale(&self) -> bool {
        let left = self.limits.wait_until.saturating_add(GRACE);
        self.unread.get().is_some_and(|since| since.elapsed() > left)
    }
}

/// Those of one link.
#[derive(Default)]
pub(super) struct Events {
    known: RefCell<HashMap<u32, Rc<Event>>>,
    /// How many have begun, and how often the process has named one that is not known, or asked for more than one may.
    begun: Cell<u64>,
    strays: Cell<u64>,
}

impl Events {
    /// One more, by a number of `next`. Fails where its agent has as many as it may.
    pub(super) fn begin(&self, event: &Rc<Event>, next: impl Fn() -> u32) -> Result<u32, Termination> {
        let mut known = self.known.borrow_mut();
        let most = event.limits.events;
        let of_agent =
            |known: &HashMap<u32, Rc<Event>>| known.values().filter(|other| other.agent == event.agent).count();
        // Counting costs a look at each: it is worth it where there could be too many.
        if known.len() >= most && of_agent(&known) >= most {
            prune(&mut known);
            if of_agent(&known) >= most {
                return Err(Termination::Busy);
            }
        }
        let id = loop {
            let id = next();
            if !known.contains_key(&id) {
                break id;
            }
        };
        known.insert(id, Rc::clone(event));
        self.begun.set(self.begun.get() + 1);
        Ok(id)
    }

    pub(super) fn get(&self, id: u32) -> Option<Rc<Event>> {
        self.known.borrow().get(&id).cloned()
    }

    /// It is over. Gives it, where it was known.
    pub(super) fn end(&self, id: u32) -> Option<Rc<Event>> {
        let event = self.known.borrow_mut().remove(&id)?;
        event.end();
        Some(event)
    }

    /// The process is gone: all are over. Gives them.
    pub(super) fn end_all(&self) -> Vec<Rc<Event>> {
        let all: Vec<_> = self.known.take().into_values().collect();
        for event in &all {
            event.end();
        }
        all
    }

    /// Events whose end should have been told long ago are over. Gives how many those were, and whether any is left.
    pub(super) fn prune(&self) -> (usize, bool) {
        let mut known = self.known.borrow_mut();
        let pruned = prune(&mut known);
        (pruned, !known.is_empty())
    }

    /// The process has asked for what one of ours asks for at most where an event has just ended. Gives whether that was too often.
    pub(super) fn strays(&self) -> bool {
        self.strays.set(self.strays.get() + 1);
        self.strays.get() > self.begun.get().saturating_add(STRAYS)
    }

    /// Whether any is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.known.borrow().values().any(|event| !event.is_stale())
    }
}

/// Ends those of which the end should have been told long ago. Gives how many.
fn prune(known: &mut HashMap<u32, Rc<Event>>) -> usize {
    let before = known.len();
    known.retain(|_, event| {
        let stale = event.is_stale();
        if stale {
            event.end();
        }
        !stale
    });
    before - known.len()
}
