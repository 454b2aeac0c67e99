//! The queue of one isolate: what it is told from outside.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::{EventError, Termination};
use crate::message::{Request, Response};
use crate::origin::{CallerId, EventId, Origin, Target};
use crate::rpc::{Incoming, Opening, Outcome, ReplyTo};
use crate::shares::{Live, Shares};

/// How long a message waits that can wait.
const MOMENT: Duration = Duration::from_millis(5);

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
    /// Nothing is left that could go on with a call that an event works for, or with its connection, where `running` is 0.
    Abandoned {
        /// Whose.
        event: EventId,
        /// Which call.
        running: u32,
    },
    /// What it holds may be garbage: it collects it.
    Collect,
    /// Something that an event has given is called.
    Call(Box<Incoming>),
    /// The answer to a call of an event's.
    Reply {
        /// Whose call.
        event: EventId,
        /// Which.
        call: u32,
        /// The answer.
        outcome: Box<Outcome>,
    },
    /// Somebody wants to hear of an event's end.
    Watch {
        /// Whose.
        event: EventId,
        /// Fails with it.
        told: ReplyTo,
    },
    /// Nobody holds something any longer that an event has given: a stream where its number is 0.
    Release {
        /// Whose.
        event: EventId,
        /// Which of its.
        number: i32,
    },
}

/// A request to handle, and where its response goes.
pub struct Start {
    /// The event's name.
    pub id: EventId,
    /// What is to be done.
    pub work: Work,
    /// Where it comes from.
    pub origin: Origin,
    /// What it calls, where that is not what its caller calls always.
    pub target: Option<Target>,
    /// Counts it among what the isolate has to do.
    pub live: Live,
}

impl Start {
    /// Whether somebody waits for it.
    fn is_wanted(&self) -> bool {
        match &self.work {
            Work::Request { reply, .. } => !reply.is_closed(),
            Work::Call(opening) => opening.wanted.get(),
        }
    }
}

/// What begins an event.
pub enum Work {
    /// A request.
    Request {
        /// That.
        request: Request,
        /// Takes the response, once.
        reply: oneshot::Sender<Result<Response, EventError>>,
    },
    /// A call.
    Call(Opening),
}

/// Events that have not begun. Callers take turns, whatever each has queued.
#[derive(Default)]
struct Starts {
    /// A queue for each caller that has come.
    lanes: HashMap<CallerId, VecDeque<Start>>,
    /// Callers that have something queued: whose turn it is, and who comes then.
    order: VecDeque<CallerId>,
}

impl Starts {
    fn push(&mut self, start: Start) {
        let caller = start.origin.caller;
        let lane = self.lanes.entry(caller).or_default();
        if lane.is_empty() {
            self.order.push_back(caller);
        }
        lane.push_back(start);
    }

    fn pop(&mut self) -> Option<Start> {
        let caller = self.order.pop_front()?;
        let lane = self.lanes.get_mut(&caller)?;
        let start = lane.pop_front();
        if !lane.is_empty() {
            self.order.push_back(caller);
        }
        start
    }

    /// Keeps a call for the event whose result it is about, where that is queued. Gives it back where it is not.
    fn keep(&mut self, call: Box<Incoming>) -> Option<Box<Incoming>> {
        let mut queued = self.lanes.values_mut().flatten();
        match queued.find(|start| start.id == call.event).map(|start| &mut start.work) {
            Some(Work::Call(opening)) => {
                opening.early.push(*call);
                None
            }
            _ => Some(call),
        }
    }

    fn remove(&mut self, id: EventId) -> Option<Start> {
        let mut lanes = self.lanes.iter();
        let (caller, place) =
            lanes.find_map(|(caller, lane)| Some((*caller, lane.iter().position(|start| start.id == id)?)))?;
        let lane = self.lanes.get_mut(&caller)?;
        let start = lane.remove(place);
        if lane.is_empty() {
            self.order.retain(|waits| *waits != caller);
        }
        start
    }
}

/// The queue of one isolate. It belongs to the isolate's thread.
#[derive(Default)]
pub struct Inbox {
    starts: RefCell<Starts>,
    /// What concerns events that have begun.
    orders: RefCell<VecDeque<Message>>,
    waker: RefCell<Option<Waker>>,
    next: Cell<EventId>,
    answers: Cell<i32>,
    /// Whether it is woken in a moment anyhow.
    later: Cell<bool>,
    closed: Cell<bool>,
    shares: Rc<Shares>,
}

impl Inbox {
    /// An empty one, whose events have these shares.
    pub fn new(shares: Shares) -> Self {
        Self {
            shares: Rc::new(shares),
            ..Self::default()
        }
    }

    /// A fresh name for an event.
    pub fn next_id(&self) -> EventId {
        let id = self.next.get().wrapping_add(1);
        self.next.set(id);
        id
    }

    /// A fresh name for the result of a call: below zero.
    pub fn next_answer(&self) -> i32 {
        let number = self.answers.get().checked_sub(1).unwrap_or(-1);
        self.answers.set(number);
        number
    }

    /// Queues a message that can wait until there is something else to do, or for a moment where there is nothing: an event may end by it,
    /// of which somebody wants to hear.
    pub fn push_later(self: &Rc<Self>, message: Message) {
        self.orders.borrow_mut().push_back(message);
        // None is there where the thread ends.
        if self.later.get() || Handle::try_current().is_err() {
            return;
        }
        self.later.set(true);
        let inbox = Rc::downgrade(self);
        deno_core::unsync::spawn(async move {
            tokio::time::sleep(MOMENT).await;
            if let Some(inbox) = inbox.upgrade() {
                inbox.later.set(false);
                inbox.wake();
            }
        });
    }

    /// What its callers have.
    pub fn shares(&self) -> &Rc<Shares> {
        &self.shares
    }

    /// Queues a message and wakes the isolate. A closed inbox takes no new event, which answers whoever waits; those
    /// under way still hear what concerns them.
    pub fn push(&self, message: Message) {
        match message {
            Message::Start(_) if self.closed.get() => return,
            Message::Start(start) => self.starts.borrow_mut().push(*start),
            // Orders go first, and this one is about what has not begun.
            Message::Call(call) if call.number < 0 => {
                if let Some(call) = self.starts.borrow_mut().keep(call) {
                    self.orders.borrow_mut().push_back(Message::Call(call));
                }
            }
            order => self.orders.borrow_mut().push_back(order),
        }
        self.wake();
    }

    /// Takes an event back that is still queued.
    pub fn withdraw(&self, id: EventId) -> Option<Start> {
        self.starts.borrow_mut().remove(id)
    }

    /// The next message: what has begun goes first. An event whose end is told before its start has nobody who waits.
    pub fn pop(&self) -> Option<Message> {
        if let Some(order) = self.orders.borrow_mut().pop_front() {
            return Some(order);
        }
        let start = self.starts.borrow_mut().pop()?;
        Some(Message::Start(Box::new(start)))
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

    /// Waits until it is closed and nobody waits for any of the events that are queued. For what is to take them, and has not begun to.
    pub async fn deserted(&self) {
        poll_fn(|cx| {
            self.register(cx.waker());
            let is_wanted = || self.starts.borrow().lanes.values().flatten().any(Start::is_wanted);
            if self.is_closed() && !is_wanted() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.starts.borrow().order.is_empty() && self.orders.borrow().is_empty()
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
        self.orders.take();
        let starts = self.starts.take();
        for start in starts.lanes.into_values().flatten() {
            if let Work::Request { reply, .. } = start.work {
                let _ = reply.send(Err(EventError::Terminated(why)));
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

#[cfg(test)]
mod tests {
    use deno_core::url::Url;

    use super::*;
    use crate::body::Body;

    fn start(inbox: &Inbox, caller: CallerId) -> EventId {
        let id = inbox.next_id();
        let origin = Origin {
            caller,
            ..Origin::default()
        };
        let request = Request {
            method: http::Method::GET,
            url: Url::parse("http://a.example/").unwrap(),
            headers: http::HeaderMap::new(),
            body: Body::Empty,
            cf: None,
        };
        inbox.push(Message::Start(Box::new(Start {
            id,
            work: Work::Request {
                request,
                reply: oneshot::channel().0,
            },
            origin,
            target: None,
            live: inbox.shares().admit(caller, 0).unwrap(),
        })));
        id
    }

    fn starts(inbox: &Inbox) -> Vec<EventId> {
        std::iter::from_fn(|| inbox.pop())
            .filter_map(|message| match message {
                Message::Start(start) => Some(start.id),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn callers_take_turns() {
        let inbox = Inbox::default();
        let flood: Vec<_> = (0..4).map(|_| start(&inbox, 7)).collect();
        let (one, other) = (start(&inbox, 1), start(&inbox, 2));
        assert_eq!(inbox.withdraw(other).map(|start| start.id), Some(other));
        assert!(inbox.withdraw(other).is_none());
        inbox.push(Message::Cancel(99));
        assert!(matches!(inbox.pop(), Some(Message::Cancel(99))));
        assert_eq!(starts(&inbox), [flood[0], one, flood[1], flood[2], flood[3]]);
        assert!(inbox.is_empty() && inbox.shares().live() == 0);
    }
}
