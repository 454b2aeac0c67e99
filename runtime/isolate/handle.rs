//! A cell as others on its thread see it: a queue to push requests into.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::worker::Worker;
use tokio::sync::oneshot;
use workerd_lite_ops::EventId;
use workerd_lite_ops::inbox::{Start, Work};
use workerd_lite_ops::rpc::{Broken, Call, Export, Failure, Opening, Session, Started};
use workerd_lite_ops::shares::Shares;
use workerd_lite_ops::{EventError, Inbox, Message, Origin, Request, Response, Target, Termination};

/// What an event holds in its isolate beside what it reads: its objects, and its head as text.
const EVENT: usize = 4096;
const HEAD: usize = 2;

/// Hands events to one cell.
#[derive(Clone)]
pub struct CellHandle(Rc<Inbox>);

impl Worker {
    /// The queue of a cell that does not run yet, with so many callers.
    pub(crate) fn handle(&self, callers: usize) -> CellHandle {
        CellHandle::new(Rc::new(self.inbox(callers)))
    }

    /// An empty queue. Of several callers of a policy none may take all of its heap.
    pub(super) fn inbox(&self, callers: usize) -> Inbox {
        let limits = self.effective_limits();
        let bytes = if callers > 1 { limits.held() } else { usize::MAX };
        Inbox::new(Shares::new(limits.events, bytes, callers))
    }
}

impl CellHandle {
    pub(crate) fn new(inbox: Rc<Inbox>) -> Self {
        Self(inbox)
    }

    /// Whether both are one cell's.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Its queue.
    pub(crate) fn inbox(&self) -> Rc<Inbox> {
        Rc::clone(&self.0)
    }

    /// How many events have not ended, queued ones too.
    pub(crate) fn live(&self) -> usize {
        self.0.shares().live()
    }

    /// How many of them do something yet, and do not only wait until what they gave is read or closed.
    pub(crate) fn at_work(&self) -> usize {
        self.0.shares().at_work()
    }

    /// Whether it has several callers.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.shares().is_crowded()
    }

    /// Queues a request, or refuses it where its caller has too many. Dropping what this gives cancels the event.
    pub fn dispatch(&self, request: Request, origin: Origin) -> Dispatch {
        self.dispatch_to(request, origin, None)
    }

    /// The same, for what calls something else than its caller calls always.
    pub(crate) fn dispatch_to(&self, request: Request, origin: Origin, target: Option<Target>) -> Dispatch {
        let (reply, response) = oneshot::channel();
        let id = self.0.next_id();
        let fields = request.headers.iter();
        let head = fields.fold(request.url.as_str().len(), |sum, (name, value)| {
            sum + name.as_str().len() + value.len()
        });
        let Some(live) = self.0.shares().admit(origin.caller, EVENT + HEAD * head) else {
            let _ = reply.send(Err(EventError::Terminated(Termination::Busy)));
            return Dispatch {
                id,
                inbox: Rc::clone(&self.0),
                response,
                done: false,
            };
        };
        self.0.push(Message::Start(Box::new(Start {
            id,
            work: Work::Request { request, reply },
            origin,
            target,
            live,
        })));
        Dispatch {
            id,
            inbox: Rc::clone(&self.0),
            response,
            done: false,
        }
    }

    /// Begins an event with a call, by one of its caller's ways in or of what is named, or refuses it where its caller has too many.
    pub(crate) fn call(&self, call: Call, origin: Origin, door: u32, target: Option<Target>) -> Started {
        let bytes = call.arguments.as_ref().map_or(0, |arguments| arguments.bytes.len());
        let Some(live) = self.0.shares().admit(origin.caller, EVENT + HEAD * bytes) else {
            let why = "RPC failed: the worker has as many events under way as it may";
            return Broken::refuse(call.reply, Failure::new("Error", why));
        };
        let (id, answer) = (self.0.next_id(), self.0.next_answer());
        let wanted = Rc::new(std::cell::Cell::new(true));
        self.0.push(Message::Start(Box::new(Start {
            id,
            work: Work::Call(Opening {
                door,
                answer,
                call,
                wanted: Rc::clone(&wanted),
                early: Vec::new(),
            }),
            origin,
            target,
            live,
        })));
        Started {
            answer: Export::of(&self.0, id, answer),
            session: Some(Session::new(Rc::clone(&self.0), id, wanted)),
        }
    }

    /// Lets the cell do what could wait.
    pub(crate) fn wake(&self) {
        self.0.wake();
    }

    /// Collects its garbage, which takes some milliseconds of its thread.
    pub(crate) fn collect(&self) {
        self.0.push(Message::Collect);
    }

    /// Lets the cell end once its events have.
    pub fn close(&self) {
        self.0.close();
    }
}

/// An event under way. Its output is the handler's response.
pub struct Dispatch {
    id: EventId,
    inbox: Rc<Inbox>,
    response: oneshot::Receiver<Result<Response, EventError>>,
    done: bool,
}

impl Dispatch {
    /// The event, by its cell's queue and its name there.
    pub(crate) fn event(&self) -> (Rc<Inbox>, EventId) {
        (Rc::clone(&self.inbox), self.id)
    }

    /// Takes the request back where no handler was called for it yet.
    pub(crate) fn take_back(mut self) -> Result<Request, Self> {
        match self.inbox.withdraw(self.id) {
            Some(Start {
                work: Work::Request { request, .. },
                ..
            }) => {
                self.done = true;
                Ok(request)
            }
            _ => Err(self),
        }
    }
}

impl Future for Dispatch {
    type Output = Result<Response, EventError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = std::task::ready!(Pin::new(&mut self.response).poll(cx));
        self.done = true;
        Poll::Ready(result.unwrap_or(Err(EventError::Shutdown)))
    }
}

impl Drop for Dispatch {
    fn drop(&mut self) {
        if !self.done {
            self.inbox.push(Message::Cancel(self.id));
        }
    }
}
