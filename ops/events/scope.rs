//! What belongs to one event.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use deno_core::{CancelHandle, ResourceId};
use tokio::sync::Semaphore;

use crate::origin::Origin;
use crate::rpc::RpcScope;
use crate::shares::{Holding, Live};
use crate::tail::Tail;
use crate::websocket::OfEvent;

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

impl Scope {
    /// Nothing but the request's body belongs to it yet. So many of its requests may be under way at once.
    pub(super) fn new(
        origin: Origin,
        live: &Live,
        body: Option<ResourceId>,
        at_once: usize,
        tail: Option<Tail>,
    ) -> Self {
        Self {
            tail,
            cancel: CancelHandle::new_rc(),
            holding: live.holding(),
            origin,
            computed: Arc::default(),
            resources: RefCell::new(body.into_iter().collect()),
            rpc: RpcScope::default(),
            slots: Rc::new(Semaphore::new(at_once)),
            kept: RefCell::default(),
            fetches: Cell::new(0),
            sockets: OfEvent::default(),
        }
    }

    /// It is over: nothing that it has asked for goes on, and what it kept is dropped. Gives its resources.
    pub(super) fn end(&self) -> Vec<ResourceId> {
        self.cancel.cancel();
        if let Some(tail) = &self.tail {
            tail.finish(&self.origin);
        }
        drop(self.kept.take());
        self.resources.take()
    }

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
