//! An event that came over a link: its requests go back over that, in its name, and the link's other end is told when it is over.

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use workerd_lite_ops::account::Account;
use workerd_lite_ops::loading::LoadedEvent;
use workerd_lite_ops::rpc::{Capability, Failure};
use workerd_lite_ops::trace::{Charged, Trace};

use crate::boundary::{Bridge, Connection, LinkError, LoadedWorker, Side};
use crate::host::link_events::{Bridges, OpenEvent};

/// What an event's bridge is in, in a process.
struct Inside(Option<Arc<Account>>);

impl Side for Inside {
    fn service(&self, _: u32, _: Option<&LoadedWorker>) -> Result<Capability, Failure> {
        Err(Failure::gone())
    }

    fn room(&self, _: usize) -> Result<Box<dyn Any>, Failure> {
        // What comes is counted by who reads it.
        Ok(Box::new(()))
    }

    fn broken(&self, error: &LinkError) {
        tracing::error!("{error}");
    }

    fn account(&self) -> Option<Arc<Account>> {
        self.0.clone()
    }

    fn tells_stacks(&self) -> bool {
        true
    }
}

/// The event as its isolate has it. It is over when this is dropped.
pub(super) struct LinkEvent {
    pub(super) open: OpenEvent,
    /// Bytes of headers that a message may have.
    pub(super) headers: usize,
}

impl LinkEvent {
    /// An event, and what it uses of the processor.
    pub(super) fn new(
        number: u32,
        connection: &Connection,
        headers: usize,
        (bridges, account): (&Bridges, Option<Arc<Account>>),
    ) -> (Rc<Self>, Rc<Cell<Duration>>) {
        let bridge = Bridge::new(connection, number, Box::new(Inside(account)));
        let open = OpenEvent::new(number, connection, bridge, bridges);
        let cpu = Rc::clone(open.cpu());
        (Rc::new(Self { open, headers }), cpu)
    }

    /// The event that something belongs to.
    pub(super) fn of(trace: &Trace) -> Option<Rc<Self>> {
        if let Some(loaded) = LoadedEvent::of(trace) {
            // It is charged to the event that has called it.
            return Self::of(&loaded.caller().scope.origin.trace);
        }
        Rc::clone(trace.charged()?).any().downcast().ok()
    }
}

impl Charged for LinkEvent {
    fn computed(&self, time: Duration) {
        self.open.computed(time);
    }

    fn may_fetch(&self) -> bool {
        true
    }

    fn cpu(&self) -> Option<Duration> {
        None
    }

    fn any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}
