//! What an event has given to others of its thread.

use std::cell::Cell;
use std::rc::Rc;

use super::{Call, Capability, Incoming, Remote, ReplyTo, Started};
use crate::inbox::{Inbox, Message};
use crate::origin::EventId;

/// One thing that an event has given: an object, a function, or the result of a call below zero.
pub struct Export {
    /// Where its calls go.
    pub inbox: Rc<Inbox>,
    /// Whose it is.
    pub event: EventId,
    /// Which of its.
    pub number: i32,
}

impl Export {
    /// The same as a capability.
    pub fn of(inbox: &Rc<Inbox>, event: EventId, number: i32) -> Capability {
        Rc::new(Self {
            inbox: Rc::clone(inbox),
            event,
            number,
        })
    }
}

fn send(inbox: &Rc<Inbox>, event: EventId, number: i32, call: Call) -> Started {
    let answer = inbox.next_answer();
    inbox.push(Message::Call(Box::new(Incoming {
        event,
        number,
        answer,
        call,
    })));
    Started {
        answer: Export::of(inbox, event, answer),
        session: None,
    }
}

impl Remote for Export {
    fn call(&self, call: Call) -> Started {
        send(&self.inbox, self.event, self.number, call)
    }

    fn nudge(&self) {
        self.inbox.wake();
    }

    fn watch(&self, told: ReplyTo) {
        self.inbox.push(Message::Watch {
            event: self.event,
            told,
        });
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        let release = Message::Release {
            event: self.event,
            number: self.number,
        };
        // That nobody needs a result any longer can wait until there is something else to do.
        if self.number < 0 {
            self.inbox.push_later(release);
        } else {
            self.inbox.push(release);
        }
    }
}

/// What an event gives to something that ends with it: it is never given back, and keeps no event open.
pub struct Lent {
    /// Where its calls go.
    pub inbox: Rc<Inbox>,
    /// Whose it is.
    pub event: EventId,
    /// Which of its.
    pub number: i32,
}

impl Remote for Lent {
    fn call(&self, call: Call) -> Started {
        send(&self.inbox, self.event, self.number, call)
    }
}

/// An event that was begun for a call. It ends when whoever called does.
pub struct Session(Option<Begun>);

enum Begun {
    /// In an isolate of this process: where it is told so, which it is, and whether somebody still wants it.
    Here(Rc<Inbox>, EventId, Rc<Cell<bool>>),
    /// Anywhere else: it is told whether it ends by itself.
    Elsewhere(Box<dyn FnOnce(bool)>),
}

impl Session {
    /// One of an isolate of this process. `wanted` says whether somebody still wants it.
    pub fn new(inbox: Rc<Inbox>, event: EventId, wanted: Rc<Cell<bool>>) -> Self {
        Self(Some(Begun::Here(inbox, event, wanted)))
    }

    /// One of another process, which is told of its end: whether it may go on to its own, or is to end now.
    pub fn elsewhere(ends: impl FnOnce(bool) + 'static) -> Self {
        Self(Some(Begun::Elsewhere(Box::new(ends))))
    }

    /// The event, where it is in this process.
    pub fn event(&self) -> Option<(&Rc<Inbox>, EventId)> {
        match &self.0 {
            Some(Begun::Here(inbox, event, _)) => Some((inbox, *event)),
            _ => None,
        }
    }

    /// It ends by itself: nothing of it is held.
    pub fn done(mut self) {
        match self.0.take() {
            Some(Begun::Here(_, _, wanted)) => wanted.set(false),
            Some(Begun::Elsewhere(ends)) => ends(true),
            None => {}
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        match self.0.take() {
            Some(Begun::Here(inbox, event, wanted)) if wanted.replace(false) => inbox.push(Message::Cancel(event)),
            Some(Begun::Elsewhere(ends)) => ends(false),
            Some(Begun::Here(..)) | None => {}
        }
    }
}
