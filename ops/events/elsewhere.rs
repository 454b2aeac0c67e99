//! CPU time that is used for an event outside of its own isolate's turns.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::inbox::Inbox;
use crate::origin::EventId;

/// CPU time that was used elsewhere for an isolate's events, and is not put down to them yet.
pub(crate) struct Elsewhere {
    inbox: Rc<Inbox>,
    spent: RefCell<Vec<(EventId, Duration)>>,
}

impl Elsewhere {
    /// Nothing yet.
    pub(super) fn new(inbox: &Rc<Inbox>) -> Rc<Self> {
        Rc::new(Self {
            inbox: Rc::clone(inbox),
            spent: RefCell::default(),
        })
    }

    /// What was used since this was asked last.
    pub(super) fn take(&self) -> Vec<(EventId, Duration)> {
        self.spent.take()
    }

    /// Something has computed for this event.
    pub(crate) fn add(&self, event: EventId, time: Duration) {
        let mut spent = self.spent.borrow_mut();
        match spent.iter_mut().find(|(known, _)| *known == event) {
            Some((_, known)) => *known += time,
            None => spent.push((event, time)),
        }
        self.inbox.wake();
    }
}
