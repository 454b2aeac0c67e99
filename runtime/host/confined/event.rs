//! An event that came over a link: its requests go back over that, in its name, and the link's other end is told when it is over.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use workerd_lite_ops::account::Account;
use workerd_lite_ops::loading::LoadedEvent;
use workerd_lite_ops::rpc::{Capability, Failure};
use workerd_lite_ops::trace::{Charged, Trace};

use crate::boundary::{Bridge, Connection, LinkError, LoadedWorker, Side};

/// The bridges of one link's events, by their numbers.
pub(super) type Bridges = Rc<RefCell<HashMap<u32, Rc<Bridge>>>>;

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
    /// Its number on its link.
    pub(super) number: u32,
    pub(super) connection: Connection,
    /// Bytes of headers that a message may have.
    pub(super) headers: usize,
    pub(super) bridge: Rc<Bridge>,
    bridges: Bridges,
    cpu: Rc<Cell<Duration>>,
}

impl LinkEvent {
    /// An event, and what it uses of the processor.
    pub(super) fn new(
        number: u32,
        connection: &Connection,
        headers: usize,
        (bridges, account): (&Bridges, Option<Arc<Account>>),
    ) -> (Rc<Self>, Rc<Cell<Duration>>) {
        let cpu = Rc::<Cell<Duration>>::default();
        let bridge = Bridge::new(connection, number, Box::new(Inside(account)));
        bridges.borrow_mut().insert(number, Rc::clone(&bridge));
        let event = Self {
            number,
            connection: connection.clone(),
            headers,
            bridge,
            bridges: Rc::clone(bridges),
            cpu: Rc::clone(&cpu),
        };
        (Rc::new(event), cpu)
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
        self.cpu.set(self.cpu.get() + time);
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

impl Drop for LinkEvent {
    fn drop(&mut self) {
        self.bridges.borrow_mut().remove(&self.number);
        self.bridge.close();
        self.connection.over(self.number, self.cpu.get());
    }
}
