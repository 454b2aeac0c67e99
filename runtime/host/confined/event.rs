//! An event that came over a link: its requests go back over that, in its name, and the link's other end is told when it is over.

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use workerd_lite_ops::trace::{Charged, Trace};

use crate::boundary::Connection;

/// The event as its isolate has it. It is over when this is dropped.
pub(super) struct LinkEvent {
    /// Its number on its link.
    pub(super) number: u32,
    pub(super) connection: Connection,
    /// Bytes of headers that a message may have.
    pub(super) headers: usize,
    cpu: Rc<Cell<Duration>>,
}

impl LinkEvent {
    /// An event, and what it uses of the processor.
    pub(super) fn new(number: u32, connection: Connection, headers: usize) -> (Rc<Self>, Rc<Cell<Duration>>) {
        let cpu = Rc::<Cell<Duration>>::default();
        let event = Self {
            number,
            connection,
            headers,
            cpu: Rc::clone(&cpu),
        };
        (Rc::new(event), cpu)
    }

    /// The event that something belongs to.
    pub(super) fn of(trace: &Trace) -> Option<Rc<Self>> {
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
        self.connection.over(self.number, self.cpu.get());
    }
}
