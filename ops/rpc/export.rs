//! What an event has given to others of its thread.

use std::cell::Cell;
use std::rc::Rc;

use super::{Broken, Call, Capability, Failure, Incoming, Opening, Remote, ReplyTo, Started, Way};
use crate::inbox::{Inbox, Message, Start, Work};
use crate::origin::{EventId, Origin};

/// What an event holds in its isolate beside what it reads: its objects, and its arguments.
const EVENT: usize = 4096;
const ARGUMENTS: usize = 2;

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

impl Remote for Export {
    fn call(&self, call: Call) -> Started {
        let answer = self.inbox.next_answer();
        self.inbox.push(Message::Call(Box::new(Incoming {
            event: self.event,
            number: self.number,
            answer,
            call,
        })));
        Started {
            answer: Self::of(&self.inbox, self.event, answer),
            session: None,
        }
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

/// Begins an event with a call, or refuses it where its caller has too many.
pub fn open(inbox: &Rc<Inbox>, call: Call, origin: Origin, way: Way) -> Started {
    let bytes = call.arguments.as_ref().map_or(0, |arguments| arguments.bytes.len());
    let live = (!inbox.is_closed()).then(|| inbox.shares().admit(origin.caller, EVENT + ARGUMENTS * bytes));
    let Some(live) = live.flatten() else {
        let why = "RPC failed: the worker has as many events under way as it may";
        return Broken::refuse(call, Failure::new("Error", why));
    };
    let (id, answer) = (inbox.next_id(), inbox.next_answer());
    let wanted = Rc::new(Cell::new(true));
    inbox.push(Message::Start(Box::new(Start {
        id,
        work: Work::Call(Opening {
            way,
            answer,
            call,
            wanted: Rc::clone(&wanted),
            early: Vec::new(),
        }),
        origin,
        target: None,
        live,
    })));
    Started {
        answer: Export::of(inbox, id, answer),
        session: Some(Session {
            inbox: Rc::clone(inbox),
            event: id,
            wanted,
        }),
    }
}
