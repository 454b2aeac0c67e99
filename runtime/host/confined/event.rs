//! An event that came over a link: its requests go back over that, in its name, and the link's other end is told when it is over.

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http2::SendRequest;
use tokio::sync::mpsc;
use workerd_lite_ops::trace::{Charged, Trace};

use crate::boundary::{Answer, Sent};

/// The way back of one link.
#[derive(Clone)]
pub(super) struct Back {
    pub(super) sender: SendRequest<Sent>,
    /// Bytes of headers that a message may have.
    pub(super) headers: usize,
    /// Where events are told of that ended after their responses.
    pub(super) ended: mpsc::UnboundedSender<u32>,
}

/// How much the other end knows of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It waits for the response, or its end.
    Waits,
    /// It was told that the event goes on.
    GoesOn,
    /// It was told of its end.
    Over,
}

/// What of an event outlives it, until its response was sent.
struct Account {
    id: u32,
    back: Back,
    cpu: Cell<Duration>,
    over: Cell<bool>,
    known: Cell<Known>,
}

impl Account {
    fn answer(&self) -> Answer {
        Answer {
            cpu: self.cpu.get(),
            over: self.over.get(),
        }
    }

    /// The other end waits no longer, or was told: what it does not know yet it is told by itself.
    fn settle(&self, known: Known) {
        let known = match (known, self.over.get()) {
            (Known::GoesOn, true) => {
                let _ = self.back.ended.send(self.id);
                Known::Over
            }
            (known, _) => known,
        };
        self.known.set(known);
    }
}

/// The event as its isolate has it. It is over when this is dropped.
pub(super) struct LinkEvent(Rc<Account>);

/// What the other end is still to be told with its response.
pub(super) struct Telling(Rc<Account>);

impl LinkEvent {
    pub(super) fn new(id: u32, back: Back) -> (Rc<Self>, Telling) {
        let account = Rc::new(Account {
            id,
            back,
            cpu: Cell::new(Duration::ZERO),
            over: Cell::new(false),
            known: Cell::new(Known::Waits),
        });
        (Rc::new(Self(Rc::clone(&account))), Telling(account))
    }

    /// The event that something belongs to.
    pub(super) fn of(trace: &Trace) -> Option<Rc<Self>> {
        Rc::clone(trace.charged()?).any().downcast().ok()
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id
    }

    pub(super) fn back(&self) -> &Back {
        &self.0.back
    }
}

impl Charged for LinkEvent {
    fn computed(&self, time: Duration) {
        self.0.cpu.set(self.0.cpu.get() + time);
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
        self.0.over.set(true);
        if self.0.known.get() == Known::GoesOn {
            self.0.settle(Known::GoesOn);
        }
    }
}

impl Telling {
    /// What is told with the response's head, where that is all.
    pub(super) fn now(&self) -> Option<Answer> {
        let answer = self.0.answer();
        if answer.over {
            self.0.known.set(Known::Over);
        }
        answer.over.then_some(answer)
    }

    /// What is told behind the response's body.
    pub(super) fn at_the_end(self) -> Answer {
        let answer = self.0.answer();
        self.0.known.set(if answer.over { Known::Over } else { Known::GoesOn });
        answer
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if self.0.known.get() == Known::Waits {
            self.0.settle(Known::GoesOn);
        }
    }
}
