//! What one event holds of others, and what it is doing for them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use deno_error::JsErrorBox;

use super::{Capability, Payload, ReplyTo, STUBS, Session};

/// What one event holds of others, by numbers of its isolate's. All of it is given back when the event ends.
#[derive(Default)]
pub struct RpcScope {
    imports: RefCell<HashMap<u32, Capability>>,
    answers: RefCell<HashMap<u32, (Capability, Option<Session>)>>,
    next: Cell<u32>,
    watched: Cell<usize>,
    sessions: RefCell<Vec<Session>>,
    /// Results that have come, until their script has read them.
    results: RefCell<HashMap<u32, Payload>>,
}

/// A call that an event is at work for.
pub struct Running {
    /// Takes its answer.
    pub reply: ReplyTo,
    /// Its arguments, until they are read.
    pub arguments: Option<Payload>,
}

impl RpcScope {
    /// Keeps a stub. Gives its number, or fails where there are too many.
    pub(crate) fn import(&self, capability: Capability) -> Result<u32, JsErrorBox> {
        let mut imports = self.imports.borrow_mut();
        if imports.len() >= STUBS {
            let why = format!("RPC failed: an event may hold {STUBS} stubs at once");
            return Err(JsErrorBox::generic(why));
        }
        let id = self.next.get();
        self.next.set(id.wrapping_add(1));
        imports.insert(id, capability);
        Ok(id)
    }

    /// Counts a stub that is watched. Gives whether it may be.
    pub(crate) fn may_watch(&self) -> bool {
        self.watched.set(self.watched.get() + 1);
        self.watched.get() <= STUBS
    }

    pub(crate) fn imported(&self, id: u32) -> Option<Capability> {
        self.imports.borrow().get(&id).cloned()
    }

    pub(crate) fn forget(&self, id: u32) -> Option<Capability> {
        self.imports.borrow_mut().remove(&id)
    }

    pub(crate) fn expect(&self, call: u32, answer: Capability, session: Option<Session>) {
        self.answers.borrow_mut().insert(call, (answer, session));
    }

    pub(crate) fn answer(&self, call: u32) -> Option<Capability> {
        self.answers.borrow().get(&call).map(|(answer, _)| Rc::clone(answer))
    }

    /// Nobody asks anything more of a result.
    pub(crate) fn release(&self, call: u32) -> Option<Capability> {
        self.answers.borrow_mut().remove(&call).map(|(answer, _)| answer)
    }

    /// How many calls have no answer, or one whose disposer was not called.
    pub(crate) fn calls(&self) -> usize {
        self.answers.borrow().len()
    }

    /// A result is there. What was begun for it ends by itself where nothing of it is held.
    pub fn arrived(&self, call: u32, payload: Payload, disposer: bool) {
        let held = disposer || payload.holds();
        self.results.borrow_mut().insert(call, payload);
        self.settled(call, held, disposer);
    }

    /// A call has failed.
    pub fn failed(&self, call: u32) {
        self.settled(call, false, false);
    }

    fn settled(&self, call: u32, held: bool, disposer: bool) {
        let mut answers = self.answers.borrow_mut();
        let Some((answer, session)) = answers.remove(&call) else {
            return;
        };
        if disposer {
            answers.insert(call, (answer, None));
        }
        match session {
            // What it brought may be held by more than it: all of it ends with this event at the latest.
            Some(session) if held => self.sessions.borrow_mut().push(session),
            Some(session) => session.done(),
            None => {}
        }
    }

    pub(crate) fn result(&self, call: u32) -> Option<Payload> {
        self.results.borrow_mut().remove(&call)
    }
}
