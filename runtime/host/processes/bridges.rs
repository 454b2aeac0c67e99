//! Calls of methods between agents in a process and whatever else there is: each passes the same grants, and is counted and recorded, as one of
//! an isolate in this process is. What an agent was given, it was given for one event, in whose name alone it is called.

use std::any::Any;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use workerd_lite_ops::account::Account;
use workerd_lite_ops::rpc::{Capability, Failure};
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{Body, FetchError, Origin};

use super::egress::event;
use super::events::Event;
use super::link::Link;
use super::room::Room;
use crate::boundary::{Bridge, Call, Came, LinkError, LoadedWorker, Side, refuse};

/// What an event's bridge is in, in the process that has the network and the keys.
struct Outside {
    link: Weak<Link>,
    agent: usize,
    trace: Rc<Trace>,
}

fn failed(error: &FetchError) -> Failure {
    Failure::new("TypeError", error.to_string())
}

impl Side for Outside {
    fn service(&self, place: u32, by: Option<&LoadedWorker>) -> Result<Capability, Failure> {
        let link = self.link.upgrade().ok_or_else(Failure::gone)?;
        let gate = link.gate(self.agent, by).map_err(|error| failed(&error))?;
        let origin = Origin {
            caller: 0,
            trace: Rc::clone(&self.trace),
        };
        gate.service(&origin, place).map_err(|error| failed(&error))
    }

    fn room(&self, bytes: usize) -> Result<Box<dyn Any>, Failure> {
        let link = self.link.upgrade().ok_or_else(Failure::gone)?;
        let room = Room::of(&link, bytes).map_err(|error| failed(&error))?;
        Ok(Box::new(room))
    }

    fn counted(&self, body: Body) -> Result<Body, Failure> {
        let link = self.link.upgrade().ok_or_else(Failure::gone)?;
        link.counted(self.agent, body).map_err(|error| failed(&error))
    }

    fn broken(&self, error: &LinkError) {
        if let Some(link) = self.link.upgrade() {
            link.broken(error);
        }
    }

    fn account(&self) -> Option<Arc<Account>> {
        self.trace.account().cloned()
    }

    fn tells_stacks(&self) -> bool {
        false
    }

    fn lost(&self) -> Failure {
        let why = self.link.upgrade().and_then(|link| link.ended());
        why.map_or_else(Failure::canceled, Failure::stopped)
    }
}

/// Gives an event its bridge, by its number.
pub(super) fn bridge(link: &Rc<Link>, number: u32, event: &Event) -> Rc<Bridge> {
    let side = Outside {
        link: Rc::downgrade(link),
        agent: event.agent,
        trace: Rc::clone(&event.trace),
    };
    let bridge = Bridge::new(&link.connection, number, Box::new(side));
    event.has(&bridge);
    bridge
}

/// Something has come for an event's bridge. Fails where no process of ours says that.
pub(super) fn came(link: &Rc<Link>, (came, number): (Came, u32), head: &[u8], call: Call) -> Result<(), LinkError> {
    let found = match came {
        Came::Call => match event(link, number)? {
            Ok(event) => Some(event),
            Err(error) => {
                refuse(&call, &failed(&error));
                return Ok(());
            }
        },
        Came::Other => link.events.get(number),
        Came::Early => return Err(LinkError::Head("a process begins no events")),
    };
    match found.as_ref().and_then(|event| event.bridge()) {
        Some(bridge) => bridge.came_over(head, call),
        None => link.stray(),
    }
}
