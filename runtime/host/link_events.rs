//! The events of one link: what comes for them over it, and what its other end is told when one is over.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use deno_core::unsync::spawn;
use workerd_lite_ops::rpc::Failure;

use crate::boundary::{Bridge, Call, Connection, LinkError, refuse};

/// The bridges of a link's events, by their numbers.
pub(super) type Bridges = Rc<RefCell<HashMap<u32, Rc<Bridge>>>>;

fn bridge_of(bridges: &Bridges, event: u32) -> Option<Rc<Bridge>> {
    bridges.borrow().get(&event).cloned()
}

/// Hands a call to its event. One of an event that is over is refused.
pub(super) fn came_over(bridges: &Bridges, event: u32, head: &[u8], call: Call) -> Result<(), LinkError> {
    if let Some(bridge) = bridge_of(bridges, event) {
        return bridge.came_over(head, call);
    }
    refuse(&call, &Failure::canceled());
    Ok(())
}

/// Something is needed no longer by an event's other end.
pub(super) fn noted(bridges: &Bridges, event: u32, what: u8, number: u32) {
    if let Some(bridge) = bridge_of(bridges, event) {
        // What has come before it is read first.
        spawn(async move {
            bridge.noted(what, number);
        });
    }
}

/// What has come for an event that has not begun: a head, and its call.
type Early = (Vec<u8>, Call);

/// Streams of events that have not begun, by the numbers of those.
#[derive(Default)]
pub(super) struct EarlyStreams(RefCell<HashMap<u32, Vec<Early>>>);

impl EarlyStreams {
    pub(super) fn keep(&self, event: u32, head: &[u8], call: Call) {
        self.0
            .borrow_mut()
            .entry(event)
            .or_default()
            .push((head.to_vec(), call));
    }

    /// Those of an event, which begins now or never does.
    pub(super) fn take(&self, event: u32) -> Vec<Early> {
        self.0.borrow_mut().remove(&event).unwrap_or_default()
    }
}

/// An event that came over a link, whose other end is told when it is over: when this is dropped.
pub(super) struct OpenEvent {
    /// Its number on its link.
    pub(super) number: u32,
    pub(super) connection: Connection,
    pub(super) bridge: Rc<Bridge>,
    bridges: Bridges,
    cpu: Rc<Cell<Duration>>,
}

impl OpenEvent {
    pub(super) fn new(number: u32, connection: &Connection, bridge: Rc<Bridge>, bridges: &Bridges) -> Self {
        bridges.borrow_mut().insert(number, Rc::clone(&bridge));
        Self {
            number,
            connection: connection.clone(),
            bridge,
            bridges: Rc::clone(bridges),
            cpu: Rc::default(),
        }
    }

    /// What it uses of the processor.
    pub(super) fn cpu(&self) -> &Rc<Cell<Duration>> {
        &self.cpu
    }

    /// It has used so much more.
    pub(super) fn computed(&self, time: Duration) {
        self.cpu.set(self.cpu.get() + time);
    }
}

impl Drop for OpenEvent {
    fn drop(&mut self) {
        self.bridges.borrow_mut().remove(&self.number);
        self.bridge.close();
        self.connection.over(self.number, self.cpu.get());
    }
}
