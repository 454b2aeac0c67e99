//! One event's end of a bridge: what it has given to the other end and what it holds of that, what it is at work for, and what has come
//! for messages that are still to come.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use workerd_lite_ops::Body;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::rpc::{Broken, Capability, Crossed, Failure, Payload, STUBS, Session, Stream};

use super::received::Waiting;
use super::sent::Given;
use super::streams;
use super::table::{self, Table};
use crate::boundary::link::{Call, Connection, LinkError};
use crate::boundary::loaded::LoadedWorker;

/// The most that one end has given for an event, and the most calls that it is at work for and results that are held.
const MOST: usize = 2 * STUBS;

/// What a note says is needed no longer.
pub(super) const GIVEN: u8 = 0;
pub(super) const ANSWER: u8 = 1;

const TOO_MANY: &str = "RPC failed: too many stubs are held at once";

/// What an end of a bridge is in.
pub(crate) trait Side {
    /// A service of the agent's, by its place, as a worker calls it that the agent has loaded, or the agent itself.
    fn service(&self, place: u32, by: Option<&LoadedWorker>) -> Result<Capability, Failure>;

    /// Room for so many bytes, until it is dropped.
    fn room(&self, bytes: usize) -> Result<Box<dyn Any>, Failure>;

    /// A body that the other end is to have, which is held here until it has taken it.
    fn counted(&self, body: Body) -> Result<Body, Failure> {
        Ok(body)
    }

    /// The other end says what ours does not.
    fn broken(&self, error: &LinkError);

    /// For whom work is done.
    fn account(&self) -> Option<Arc<Account>>;

    /// Whether the other end may know where something failed, and why it was stopped.
    fn tells_stacks(&self) -> bool;

    /// Why a call brings nothing whose event is over, or whose other end is gone.
    fn lost(&self) -> Failure {
        Failure::canceled()
    }
}

/// One end.
pub(crate) struct Bridge {
    /// Which of this process's.
    id: u64,
    pub(super) connection: Connection,
    pub(super) event: u32,
    pub(super) side: Box<dyn Side>,
    given: RefCell<HashMap<u32, Capability>>,
    last: Cell<u32>,
    /// How many of the other end's are held here.
    held: Cell<usize>,
    /// What stands for results of calls that have come, by the numbers of those.
    pub(super) answers: RefCell<HashMap<u32, Capability>>,
    /// What was begun for calls that have no result, and what is held of those that have.
    pub(super) begun: RefCell<HashMap<u32, Session>>,
    sessions: RefCell<Vec<Session>>,
    streams: RefCell<HashMap<u32, Call>>,
    /// Calls that have not begun, in their order.
    pub(super) waiting: RefCell<VecDeque<Waiting>>,
    pub(super) works: Cell<bool>,
    /// Whether what is sent begins the event.
    pub(super) begins: Cell<bool>,
    closed: Cell<bool>,
    closing: Notify,
}

impl Bridge {
    /// For one event of a link.
    pub(crate) fn new(connection: &Connection, event: u32, side: Box<dyn Side>) -> Rc<Self> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Rc::new(Self {
            id: LAST.fetch_add(1, Ordering::Relaxed),
            connection: connection.clone(),
            event,
            side,
            given: RefCell::default(),
            last: Cell::new(0),
            held: Cell::new(0),
            answers: RefCell::default(),
            begun: RefCell::default(),
            sessions: RefCell::default(),
            streams: RefCell::default(),
            waiting: RefCell::default(),
            works: Cell::new(false),
            begins: Cell::new(false),
            closed: Cell::new(false),
            closing: Notify::new(),
        })
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Waits for the event's end.
    pub(super) async fn closed(&self) {
        if !self.closed.get() {
            self.closing.notified().await;
        }
    }

    /// The event is over: nothing of it is held any longer, and what was begun for it ends.
    pub(crate) fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        // What is dropped may give back something itself.
        drop(self.given.take());
        drop(self.answers.take());
        drop(self.begun.take());
        drop(self.sessions.take());
        drop(self.streams.take());
        drop(self.waiting.take());
        self.closing.notify_waiters();
    }

    /// Something that this end has given.
    pub(super) fn is_given(&self, number: u32) -> Option<Capability> {
        self.given.borrow().get(&number).cloned()
    }

    /// The other end needs something no longer. Gives whether that was known.
    pub(crate) fn noted(&self, what: u8, number: u32) -> bool {
        let known = match what {
            GIVEN => self.given.borrow_mut().remove(&number),
            ANSWER => self.answers.borrow_mut().remove(&number),
            _ => None,
        };
        let Some(known) = known else { return false };
        // Its event may end with this, which is waited for.
        known.nudge();
        true
    }

    /// One more of the other end's is held.
    pub(super) fn holds(&self) -> Result<(), LinkError> {
        let held = self.held.get() + 1;
        if held > MOST {
            return Err(LinkError::Flood("it gives more than it may"));
        }
        self.held.set(held);
        Ok(())
    }

    /// And it is needed no longer.
    pub(super) fn gives_back(&self, number: u32) {
        self.held.set(self.held.get().saturating_sub(1));
        if !self.closed.get() {
            self.connection.note(self.event, GIVEN, number);
        }
    }

    /// A result is asked for no longer.
    pub(super) fn forgets(&self, call: u32) {
        if !self.closed.get() {
            self.connection.note(self.event, ANSWER, call);
        }
    }

    /// A call has its result, of which something may be held.
    pub(super) fn settled(&self, call: u32, held: bool) {
        let session = self.begun.borrow_mut().remove(&call);
        match session {
            Some(session) if held && !self.closed.get() => self.sessions.borrow_mut().push(session),
            Some(session) => session.done(),
            None => {}
        }
    }

    /// A stream that the other end has opened for a message that follows.
    pub(super) fn opened(&self, call: Call) -> Result<(), LinkError> {
        let mut streams = self.streams.borrow_mut();
        if streams.len() >= MOST {
            return Err(LinkError::Flood("it opens more streams than it may"));
        }
        streams.insert(call.number(), call);
        Ok(())
    }

    /// How a message names what it takes along. Streams are opened.
    pub(super) fn describe(&self, capabilities: Vec<Capability>, streams: Vec<Stream>) -> Result<Table, Failure> {
        let full = || Failure::new("Error", TOO_MANY);
        if self.is_closed() {
            return Err(Failure::canceled());
        }
        if self.given.borrow().len() + capabilities.len() > MOST || !self.connection.has_room_for(1 + streams.len()) {
            return Err(full());
        }
        let counted = |stream| match stream {
            Stream::Readable(body) => self.side.counted(body).map(Stream::Readable),
            writable @ Stream::Writable(_) => Ok(writable),
        };
        let streams = streams.into_iter().map(counted).collect::<Result<Vec<_>, _>>()?;
        let capabilities = capabilities
            .into_iter()
            .map(|capability| self.give(capability))
            .collect();
        let mut described = Vec::with_capacity(streams.len());
        for stream in streams {
            described
                .push(streams::open(&self.connection, (self.event, self.begins.get()), stream).map_err(|_| full())?);
        }
        Ok(Table {
            capabilities,
            streams: described,
        })
    }

    fn give(&self, capability: Capability) -> table::Capability {
        if let Some(crossing) = capability.crossing().filter(|crossing| crossing.bridge == self.id) {
            return match crossing.what {
                Crossed::Given(number) => table::Capability::Back(number),
                Crossed::Service(place) => table::Capability::Service(place),
            };
        }
        let number = self.last.get().wrapping_add(1);
        self.last.set(number);
        self.given.borrow_mut().insert(number, capability);
        table::Capability::Given(number)
    }

    /// What a message has taken along, without its bytes.
    pub(super) fn take(self: &Rc<Self>, table: &Table) -> Result<Payload, LinkError> {
        let mut payload = Payload {
            bytes: bytes::Bytes::new(),
            capabilities: Vec::with_capacity(table.capabilities.len()),
            streams: Vec::with_capacity(table.streams.len()),
        };
        for capability in &table.capabilities {
            let broken = |why| Rc::new(Broken(why)) as Capability;
            payload.capabilities.push(match *capability {
                table::Capability::Given(number) => Given::of(self, number)?,
                table::Capability::Back(number) => self.is_given(number).unwrap_or_else(|| broken(Failure::gone())),
                table::Capability::Service(place) => self.side.service(place, None).unwrap_or_else(broken),
            });
        }
        for stream in &table.streams {
            let call = self.streams.borrow_mut().remove(&stream.call);
            let call = call.ok_or(LinkError::Head("it takes a stream along that there is not"))?;
            payload.streams.push(streams::take(call, stream));
        }
        Ok(payload)
    }

    /// Whether it may be at work for one more call.
    pub(super) fn may_work(&self) -> bool {
        self.answers.borrow().len() + self.waiting.borrow().len() < MOST
    }
}
