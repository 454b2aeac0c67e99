//! The agents in whose names one thread's requests go out. They come when their code first runs there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use workerd_lite_ops::CallerId;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::websocket::SocketLimits;

use super::whole_body;
use crate::identity::Attested;

/// One of them.
#[derive(Debug)]
pub struct Known {
    /// Who it is.
    pub agent: Attested,
    /// How many connections to upstreams it may have.
    pub connections: usize,
    /// What its WebSockets may use.
    pub sockets: SocketLimits,
    /// What it may hold in bodies that are read whole.
    pub(super) budget: ExternalMemory,
}

/// Those of one thread, by how events name them.
#[derive(Debug, Clone, Default)]
pub struct Agents(Rc<RefCell<HashMap<CallerId, Rc<Known>>>>);

impl Agents {
    /// From now on events may name this one.
    pub fn add(&self, caller: CallerId, agent: Attested, connections: usize, sockets: SocketLimits) -> Rc<Known> {
        let known = Rc::new(Known {
            agent,
            connections,
            sockets,
            budget: whole_body::budget(),
        });
        self.0.borrow_mut().insert(caller, Rc::clone(&known));
        known
    }

    /// The one that an event names.
    pub fn get(&self, caller: CallerId) -> Option<Rc<Known>> {
        self.0.borrow().get(&caller).cloned()
    }

    /// It is gone for good.
    pub fn remove(&self, caller: CallerId) {
        self.0.borrow_mut().remove(&caller);
    }
}
