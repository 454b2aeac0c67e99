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
pub struct Session {
    /// Where it is told so.
    pub inbox: Rc<Inbox>,
    /// Which.
    pub event: EventId,
    /// Whether somebody still wants it.
    pub wanted: Rc<Cell<bool>>,
}

impl Session {
    /// It ends by itself: nothing of it is held.
    pub fn done(self) {
        self.wanted.set(false);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.wanted.replace(false) {
            self.inbox.push(Message::Cancel(self.event));
        }
    }
}
