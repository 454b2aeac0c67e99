//! The queue of one isolate: what it is told from outside.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use tokio::sync::oneshot;

use crate::error::{EventError, Termination};
use crate::message::{Request, Response};
use crate::origin::{EventId, Origin};

/// What an isolate is told from outside.
pub enum Message {
    /// A request to handle.
    Start(Box<Start>),
    /// Nobody waits for this event's response any longer.
    Cancel(EventId),
    /// This event's `waitUntil` promises have had their time.
    Expire(EventId),
    /// This event has used what it may: it ends, whatever it still waits for.
    End(EventId),
    /// The response's body has ended, or its reader has gone before the end.
    BodyEnded {
        /// Whose body.
        id: EventId,
        /// Whether all of it was read.
        complete: bool,
    },
    /// What it holds may be garbage: it collects it.
    Collect,
}

/// A request to handle, and where its response goes.
pub struct Start {
    /// The event's name.
    pub id: EventId,
    /// The request.
    pub request: Request,
    /// Where it comes from.
    pub origin: Origin,
    /// Takes the response, once.
    pub reply: oneshot::Sender<Result<Response, EventError>>,
    /// Counts it among what the isolate has to do.
    pub live: Live,
}

/// An event that has not ended, queued or under way.
#[derive(Debug)]
pub struct Live(Rc<Cell<usize>>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// The queue of one isolate. It belongs to the isolate's thread.
#[derive(Default)]
pub struct Inbox {
    queue: RefCell<VecDeque<Message>>,
    waker: RefCell<Option<Waker>>,
    next: Cell<EventId>,
    closed: Cell<bool>,
    live: Rc<Cell<usize>>,
}

impl Inbox {
    /// A fresh name for an event.
    pub fn next_id(&self) -> EventId {
        let id = self.next.get().wrapping_add(1);
        self.next.set(id);
        id
    }

    /// How many events have not ended, queued ones too.
    pub fn live(&self) -> usize {
        self.live.get()
    }

    /// Counts an event that is about to be queued.
    pub fn admit(&self) -> Live {
        self.live.set(self.live.get() + 1);
        Live(Rc::clone(&self.live))
    }

    /// Queues a message and wakes the isolate. A closed inbox takes no new event, which answers whoever waits; those
    /// under way still hear what concerns them.
    pub fn push(&self, message: Message) {
        if self.closed.get() && matches!(message, Message::Start(_)) {
            return;
        }
        self.queue.borrow_mut().push_back(message);
        self.wake();
    }

    /// Takes an event back that is still queued.
    pub fn withdraw(&self, id: EventId) -> Option<Start> {
        let mut queue = self.queue.borrow_mut();
        let place = queue
            .iter()
            .position(|message| matches!(message, Message::Start(start) if start.id == id))?;
        match queue.remove(place) {
            Some(Message::Start(start)) => Some(*start),
            _ => None,
        }
    }

    /// The next message.
    pub fn pop(&self) -> Option<Message> {
        self.queue.borrow_mut().pop_front()
    }

    /// Waits until something is queued, or it is closed.
    pub async fn arrival(&self) {
        poll_fn(|cx| {
            self.register(cx.waker());
            if self.is_empty() && !self.is_closed() {
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    /// Whom to wake at the next message.
    pub fn register(&self, waker: &Waker) {
        let mut slot = self.waker.borrow_mut();
        if !slot.as_ref().is_some_and(|old| old.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
    }

    /// Wakes the isolate's loop.
    pub fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Answers what is queued: nobody will handle it.
    pub fn refuse(&self, why: Termination) {
        for message in self.queue.take() {
            if let Message::Start(start) = message {
                let _ = start.reply.send(Err(EventError::Terminated(why)));
            }
        }
    }

    /// Refuses further events. Queued ones are handled.
    pub fn close(&self) {
        self.closed.set(true);
        self.wake();
    }

    /// Whether [`Self::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }
}
