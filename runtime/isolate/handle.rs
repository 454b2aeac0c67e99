//! A cell as others on its thread see it: a queue to push requests into.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::worker::Worker;
use tokio::sync::oneshot;
use workerd_lite_ops::EventId;
use workerd_lite_ops::inbox::Start;
use workerd_lite_ops::{EventError, Inbox, Message, Origin, Request, Response, Termination};

/// Hands events to one cell.
#[derive(Clone)]
pub struct CellHandle {
    inbox: Rc<Inbox>,
    /// How many events it may have, queued ones too.
    most: usize,
}

impl Worker {
    /// The queue of a cell that does not run yet.
    pub(crate) fn handle(&self) -> CellHandle {
        CellHandle::new(Rc::default(), self.effective_limits().events)
    }
}

impl CellHandle {
    pub(super) fn new(inbox: Rc<Inbox>, most: usize) -> Self {
        Self { inbox, most }
    }

    /// Its queue.
    pub(crate) fn inbox(&self) -> Rc<Inbox> {
        Rc::clone(&self.inbox)
    }

    /// Queues a request, or refuses it where there are too many. Dropping what this gives cancels the event.
    pub fn dispatch(&self, request: Request, origin: Origin) -> Dispatch {
        let (reply, response) = oneshot::channel();
        let id = self.inbox.next_id();
        let live = self.inbox.admit();
        if self.inbox.live() > self.most {
            let _ = reply.send(Err(EventError::Terminated(Termination::Busy)));
            return Dispatch {
                id,
                inbox: Rc::clone(&self.inbox),
                response,
                done: false,
            };
        }
        self.inbox.push(Message::Start(Box::new(Start {
            id,
            request,
            origin,
            reply,
            live,
        })));
        Dispatch {
            id,
            inbox: Rc::clone(&self.inbox),
            response,
            done: false,
        }
    }

    /// Collects its garbage, which takes some milliseconds of its thread.
    pub(crate) fn collect(&self) {
        self.inbox.push(Message::Collect);
    }

    /// Lets the cell end once its events have.
    pub fn close(&self) {
        self.inbox.close();
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
    /// Takes the request back where no handler was called for it yet.
    pub(crate) fn take_back(mut self) -> Result<Request, Self> {
        match self.inbox.withdraw(self.id) {
            Some(start) => {
                self.done = true;
                Ok(start.request)
            }
            None => Err(self),
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
