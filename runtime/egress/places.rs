//! Places for connections to upstreams: an agent has a number of them, and where all are taken the one goes that nobody uses.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use workerd_lite_ops::account::{Account, AgentId, Kind};

use crate::limits::files::{Held, UPSTREAMS};

/// How long to wait for a connection that ends.
const ENDS: Duration = Duration::from_millis(2);

/// An agent has all the connections that it may have.
#[derive(Debug, thiserror::Error)]
#[error("the agent has as many connections as it may have, and uses all of them: see limits.connections")]
pub(super) struct TooManyConnections;

/// Whether a connection is used, as others see it.
#[derive(Debug, Default)]
struct Use {
    /// Requests under way, until their answers are read.
    requests: AtomicUsize,
    /// It is to end, if nobody uses it.
    ends: AtomicBool,
    /// It has ended, whoever still knows it.
    gone: AtomicBool,
    waker: AtomicWaker,
}

impl Use {
    fn is_idle(&self) -> bool {
        self.requests.load(Ordering::Relaxed) == 0
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

/// The connections of all agents that have some.
static CONNECTIONS: Mutex<Option<HashMap<AgentId, Vec<Weak<Use>>>>> = Mutex::new(None);

fn of_agent<T>(agent: &AgentId, act: impl FnOnce(&mut Vec<Weak<Use>>) -> T) -> T {
    let mut all = CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_default();
    match all.get_mut(agent) {
        Some(own) => act(own),
        None => act(all.entry(agent.clone()).or_default()),
    }
}

/// What an agent's connections need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    /// How many it may have.
    most: usize,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self { most }
    }

    /// A place for one more connection of whom this works for. Ends one of its own that nobody uses where that is needed.
    pub(super) async fn take(self) -> Result<Taken, TooManyConnections> {
        let Some(account) = Account::current() else {
            return Ok(Taken::default());
        };
        loop {
            if let Some(held) = UPSTREAMS.take(&account, Kind::Upstream, self.most) {
                let taken = Taken {
                    used: Arc::default(),
                    held: Some(held),
                };
                of_agent(account.id(), |own| {
                    if own.len() == own.capacity() {
                        own.retain(|used| used.upgrade().is_some_and(|used| !used.is_gone()));
                    }
                    own.push(Arc::downgrade(&taken.used));
                });
                return Ok(taken);
            }
            if !of_agent(account.id(), |own| end_idle(own)) {
                return Err(TooManyConnections);
            }
            tokio::time::sleep(ENDS).await;
        }
    }
}

/// Ends the oldest connection that is idle, unless one ends already. Whether one will have ended soon.
fn end_idle(own: &[Weak<Use>]) -> bool {
    let idle: Vec<_> = own
        .iter()
        .filter_map(Weak::upgrade)
        .filter(|used| used.is_idle() && !used.is_gone())
        .collect();
    if idle.iter().any(|used| used.ends.load(Ordering::Relaxed)) {
        return true;
    }
    let Some(first) = idle.first() else { return false };
    first.ends.store(true, Ordering::Relaxed);
    first.waker.wake();
    true
}

/// A connection's place.
#[derive(Debug, Default)]
pub(super) struct Taken {
    used: Arc<Use>,
    held: Option<Held>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.used.gone.store(true, Ordering::Relaxed);
    }
}

impl Taken {
    /// What its requests keep.
    pub(super) fn in_use(&self) -> InUse {
        InUse(Arc::clone(&self.used))
    }

    /// Ready where the connection is to end now, because nobody uses it and its agent needs the place.
    pub(super) fn poll_ended(&self, cx: &Context<'_>) -> Poll<()> {
        if self.held.is_none() {
            return Poll::Pending;
        }
        self.used.waker.register(cx.waker());
        if !self.used.ends.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        if self.used.is_idle() {
            return Poll::Ready(());
        }
        // It was given a request meanwhile.
        self.used.ends.store(false, Ordering::Relaxed);
        Poll::Pending
    }
}

/// Tells that a connection is used.
#[derive(Debug, Clone)]
pub(super) struct InUse(Arc<Use>);

impl InUse {
    /// A request is under way on it until the result is dropped, with its answer.
    pub(super) fn begin(&self) -> Arc<Busy> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        Arc::new(Busy(Arc::clone(&self.0)))
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct Busy(Arc<Use>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}
