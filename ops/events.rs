//! Events: one request handed to a script, from its start until its response is sent, its body has ended and its
//! `waitUntil` promises have settled. What an event opened is closed when it ends.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use deno_core::convert::ByteString;
use deno_core::{CancelHandle, OpState, ResourceId, op2};
use deno_error::JsErrorBox;
use futures_util::stream::Stream;
use http::StatusCode;
use tokio::sync::oneshot;

use crate::body::{Body, ByteStream};
use crate::coding::Coding;
use crate::console::author_stack;
use crate::error::{BodyError, EventError};
use crate::head;
use crate::message::{Request, Response};
use crate::outgoing::OutgoingBody;
use crate::trace::Trace;

/// Names one event within its isolate.
pub type EventId = u32;

/// Who calls: a place in the list of callers that an isolate was booted with. An agent's isolate has one.
pub type CallerId = u32;

/// Where an event comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Who is calling, by its place among the callers that the isolate was booted with.
    pub caller: CallerId,
    /// Its part of the request's way.
    pub trace: Rc<Trace>,
}

/// What an isolate is told from outside.
pub enum Message {
    /// A request to handle.
    Start(Box<Start>),
    /// Nobody waits for this event's response any longer.
    Cancel(EventId),
    /// The response's body has ended, or its reader has gone before the end.
    BodyEnded {
        /// Whose body.
        id: EventId,
        /// Whether all of it was read.
        complete: bool,
    },
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
}

/// The queue of one isolate. It belongs to the isolate's thread.
#[derive(Default)]
pub struct Inbox {
    queue: RefCell<VecDeque<Message>>,
    waker: RefCell<Option<Waker>>,
    next: Cell<EventId>,
    closed: Cell<bool>,
}

impl Inbox {
    /// A fresh name for an event.
    pub fn next_id(&self) -> EventId {
        let id = self.next.get().wrapping_add(1);
        self.next.set(id);
        id
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

    /// The next message.
    pub fn pop(&self) -> Option<Message> {
        self.queue.borrow_mut().pop_front()
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

/// What belongs to one event and ends with it.
pub struct Scope {
    /// Cancels the event's requests.
    pub cancel: Rc<CancelHandle>,
    /// Where the event comes from.
    pub origin: Origin,
    resources: RefCell<Vec<ResourceId>>,
}

impl Scope {
    /// Ties a resource to the event.
    pub fn own(&self, rid: ResourceId) {
        self.resources.borrow_mut().push(rid);
    }
}

struct Entry {
    /// The request was a HEAD: its response may tell the length of a body that it does not have.
    head: bool,
    reply: Option<oneshot::Sender<Result<Response, EventError>>>,
    scope: Rc<Scope>,
    settled: bool,
    body_ended: bool,
}

/// The events of one isolate that have not ended.
pub struct Events {
    entries: HashMap<EventId, Entry>,
    inbox: Rc<Inbox>,
}

impl Events {
    /// No events yet. The inbox is where response bodies report their end.
    pub fn new(inbox: Rc<Inbox>) -> Self {
        Self {
            entries: HashMap::new(),
            inbox,
        }
    }

    /// Registers an event whose handler is about to run.
    pub fn start(
        &mut self,
        id: EventId,
        reply: oneshot::Sender<Result<Response, EventError>>,
        body: Option<ResourceId>,
        head: bool,
        origin: Origin,
    ) {
        let scope = Scope {
            cancel: CancelHandle::new_rc(),
            origin,
            resources: RefCell::new(body.into_iter().collect()),
        };
        self.entries.insert(
            id,
            Entry {
                head,
                reply: Some(reply),
                scope: Rc::new(scope),
                settled: false,
                body_ended: false,
            },
        );
    }

    /// What belongs to an event that has not ended.
    pub fn scope(&self, id: EventId) -> Option<Rc<Scope>> {
        self.entries.get(&id).map(|entry| Rc::clone(&entry.scope))
    }

    /// How many events have not ended.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether every event has ended.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Marks the body's end. Gives true where the event ended with it.
pub fn body_ended(state: &mut OpState, id: EventId) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.body_ended = true;
    }
    end_if_done(state, id)
}

/// Ends an event that nobody waits for, unless its `waitUntil` promises still run. Gives true where it ended.
pub fn cancel(state: &mut OpState, id: EventId, waiting: bool) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.reply = None;
        entry.body_ended = true;
        if !waiting {
            entry.settled = true;
        }
    }
    end_if_done(state, id)
}

fn end_if_done(state: &mut OpState, id: EventId) -> bool {
    let events = state.borrow_mut::<Events>();
    if !events
        .entries
        .get(&id)
        .is_some_and(|entry| entry.settled && entry.body_ended)
    {
        return false;
    }
    let Some(entry) = events.entries.remove(&id) else {
        return false;
    };
    entry.scope.cancel.cancel();
    for rid in entry.scope.resources.take() {
        if let Ok(resource) = state.resource_table.take_any(rid) {
            resource.close();
        }
    }
    true
}

/// A handler's response. Gives true where the event ended with it: nothing streams and nothing waits.
#[op2]
pub(crate) fn op_event_respond(
    state: &mut OpState,
    #[smi] id: EventId,
    #[smi] status: u16,
    #[string] reason: String,
    #[scoped] headers: ByteString,
    #[scoped] body: OutgoingBody,
    encode: bool,
    settled: bool,
) -> Result<bool, JsErrorBox> {
    let body = body.take(state).map_err(JsErrorBox::from_err)?;
    let mut headers = head::split(&headers).map_err(JsErrorBox::from_err)?;
    head::strip_hop_by_hop(&mut headers);
    let status = StatusCode::from_u16(status).map_err(|_| JsErrorBox::range_error("not a status"))?;

    let events = state.borrow_mut::<Events>();
    let inbox = Rc::clone(&events.inbox);
    let Some(entry) = events.entries.get_mut(&id) else {
        return Ok(true);
    };
    let may_tell = entry.head || status == StatusCode::NOT_MODIFIED;
    let body = recode(body, &mut headers, encode, may_tell);
    entry.settled |= settled;
    let streams = matches!(body, Body::Stream(_));
    let response = Response {
        status,
        reason: (!reason.is_empty() && Some(reason.as_str()) != status.canonical_reason()).then_some(reason),
        headers,
        body: body.map_stream(|stream| {
            Box::pin(Watched {
                stream,
                end: BodyEnd {
                    id,
                    inbox,
                    complete: false,
                },
            })
        }),
    };
    // Nobody waits any longer: the dropped body reports its own end.
    let delivered = entry.reply.take().is_some_and(|reply| reply.send(Ok(response)).is_ok());
    if !streams || !delivered {
        entry.body_ended = true;
    }
    Ok(end_if_done(state, id))
}

/// Brings the body into the coding that its header list announces, and drops a `Content-Length` that is no longer true.
fn recode(body: Body, headers: &mut http::HeaderMap, encode: bool, may_tell: bool) -> Body {
    let announced = Coding::of(headers);
    let body = if encode { body.recode(announced) } else { body };
    match body.length() {
        // The header describes what a GET would have brought.
        Some(0) if may_tell => {}
        // hyper writes it where the status wants one.
        Some(0) => {
            headers.remove(http::header::CONTENT_LENGTH);
        }
        Some(length) => {
            headers.insert(http::header::CONTENT_LENGTH, length.into());
        }
        None => {
            headers.remove(http::header::CONTENT_LENGTH);
        }
    }
    body
}

/// A handler that brought no response. Gives true where the event ended with it.
#[op2(fast)]
pub(crate) fn op_event_fail(
    state: &mut OpState,
    #[smi] id: EventId,
    #[string] summary: String,
    #[string] stack: String,
    settled: bool,
) -> bool {
    let stack = author_stack(&stack);
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.settled |= settled;
        entry.body_ended = true;
        if let Some(reply) = entry.reply.take() {
            let _ = reply.send(Err(EventError::Exception { summary, stack }));
        }
    }
    end_if_done(state, id)
}

/// All of an event's `waitUntil` promises have settled. Gives true where the event ended with them.
#[op2(fast)]
pub(crate) fn op_event_settled(state: &mut OpState, #[smi] id: EventId) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.settled = true;
    }
    end_if_done(state, id)
}

/// A `waitUntil` promise came after the response: the event goes on until it settles.
#[op2(fast)]
pub(crate) fn op_event_waiting(state: &mut OpState, #[smi] id: EventId) {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.settled = false;
    }
}

/// A response body that tells its isolate when it has ended or was dropped.
struct Watched {
    stream: ByteStream,
    end: BodyEnd,
}

struct BodyEnd {
    id: EventId,
    inbox: Rc<Inbox>,
    complete: bool,
}

impl Stream for Watched {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = std::task::ready!(self.stream.as_mut().poll_next(cx));
        if item.is_none() {
            self.end.complete = true;
        }
        Poll::Ready(item)
    }
}

impl Drop for BodyEnd {
    fn drop(&mut self) {
        self.inbox.push(Message::BodyEnded {
            id: self.id,
            complete: self.complete,
        });
    }
}
