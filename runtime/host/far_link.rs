//! Links between the threads of one process, for calls of methods between agents of which one works apart: functions, stubs and streams cross
//! as they do between processes. Each thread has one to each that it calls.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deno_core::unsync::spawn;
use workerd_lite_ops::account::{Account, metered};
use workerd_lite_ops::rpc::{Call as RpcCall, Capability, Failure, MESSAGE, Started};

use super::far_job::{FarJob, LinkEnd, Post};
use super::link_events::{self, Bridges};
use crate::boundary::{Aim, Begin, Bridge, Call, Came, Connection, Handler, LinkError, LoadedWorker, Side};

/// Bytes of messages that one end holds at once, of all its events together, beside streams, which windows bound.
const HELD: usize = 2 * MESSAGE;

const TOO_MUCH: &str = "RPC failed: what agents that work apart are sent at once is too much";

/// How a thread is reached.
pub(super) struct FarLine {
    post: Post,
    account: Option<Arc<Account>>,
    link: RefCell<Option<Rc<FarLink>>>,
}

impl FarLine {
    /// By this, for this agent.
    pub(super) fn new(post: Post, account: Option<Arc<Account>>) -> Rc<Self> {
        Rc::new(Self {
            post,
            account,
            link: RefCell::default(),
        })
    }

    pub(super) fn post(&self, job: FarJob) -> bool {
        (self.post)(job)
    }

    /// The link to it, and its other end where that is new.
    pub(super) fn link(&self) -> io::Result<(Rc<FarLink>, Option<LinkEnd>)> {
        if let Some(link) = self.link.borrow().as_ref().filter(|link| !link.connection.is_closed()) {
            return Ok((Rc::clone(link), None));
        }
        let (mine, socket) = UnixStream::pair()?;
        mine.set_nonblocking(true)?;
        socket.set_nonblocking(true)?;
        let link = FarLink::begun(mine, self.account.clone());
        self.link.replace(Some(Rc::clone(&link)));
        let account = self.account.clone();
        Ok((link, Some(LinkEnd { socket, account })))
    }
}

/// The end of a link that calls.
pub(super) struct FarLink {
    /// Which of this process's.
    pub(super) id: u64,
    connection: Connection,
    bridges: Bridges,
    held: Rc<Cell<usize>>,
}

impl FarLink {
    fn begun(socket: UnixStream, account: Option<Arc<Account>>) -> Rc<Self> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let link = Rc::new(Self {
            id: LAST.fetch_add(1, Ordering::Relaxed),
            connection: Connection::of_thread(),
            bridges: Bridges::default(),
            held: Rc::default(),
        });
        let (connection, bridges) = (link.connection.clone(), Rc::clone(&link.bridges));
        let calling = Calling(Rc::clone(&bridges));
        spawn(metered(account, async move {
            ended(connection.run(socket, calling).await, &bridges);
        }));
        link
    }

    /// A number that no event of it has.
    pub(super) fn next_event(&self) -> u32 {
        loop {
            let next = self.connection.next();
            if !self.bridges.borrow().contains_key(&next) {
                return next;
            }
        }
    }

    /// Begins an event with a call, for this agent.
    pub(super) fn begin(&self, event: u32, account: Option<Arc<Account>>, call: RpcCall) -> Started {
        let bridge = bridge(&self.connection, event, account, &self.held);
        self.bridges.borrow_mut().insert(event, Rc::clone(&bridge));
        // The rest is told with the job.
        let begin = Begin {
            agent: 0,
            request_id: "",
            aim: Aim::default(),
        };
        bridge.begin(begin, call).unwrap_or_else(|refused| {
            self.bridges.borrow_mut().remove(&event);
            bridge.close();
            self.connection.over(event, Duration::ZERO);
            refused
        })
    }
}

/// A link has ended, and all of its events with it.
pub(super) fn ended(how: Result<(), LinkError>, bridges: &Bridges) {
    if let Err(error) = how {
        tracing::debug!("a link to another thread has ended: {error}");
    }
    let all: Vec<Rc<Bridge>> = bridges.take().into_values().collect();
    for bridge in all {
        bridge.close();
    }
}

/// The end of a bridge that an event has.
pub(super) fn bridge(
    connection: &Connection,
    event: u32,
    account: Option<Arc<Account>>,
    held: &Rc<Cell<usize>>,
) -> Rc<Bridge> {
    let side = ThreadSide {
        connection: connection.clone(),
        account,
        held: Rc::clone(held),
    };
    Bridge::new(connection, event, Box::new(side))
}

/// What an event's bridge is in, on either thread.
struct ThreadSide {
    connection: Connection,
    account: Option<Arc<Account>>,
    held: Rc<Cell<usize>>,
}

impl Side for ThreadSide {
    fn service(&self, _: u32, _: Option<&LoadedWorker>) -> Result<Capability, Failure> {
        Err(Failure::gone())
    }

    fn room(&self, bytes: usize) -> Result<Box<dyn Any>, Failure> {
        let all = self.held.get().saturating_add(bytes);
        if all > HELD {
            return Err(Failure::new("Error", TOO_MUCH));
        }
        self.held.set(all);
        Ok(Box::new(Room(Rc::clone(&self.held), bytes)))
    }

    fn broken(&self, error: &LinkError) {
        tracing::error!("a link to another thread is broken: {error}");
        self.connection.close();
    }

    fn account(&self) -> Option<Arc<Account>> {
        self.account.clone()
    }

    fn tells_stacks(&self) -> bool {
        true
    }
}

/// Room for so many bytes, until it is dropped.
struct Room(Rc<Cell<usize>>, usize);

impl Drop for Room {
    fn drop(&mut self) {
        self.0.set(self.0.get() - self.1);
    }
}

/// Hears what the called end says.
struct Calling(Bridges);

impl Handler for Calling {
    fn called(&self, head: &[u8], call: Call) -> Result<(), LinkError> {
        let Some((Came::Call | Came::Other, event)) = Came::of(head) else {
            return Err(LinkError::Head("the called thread begins events"));
        };
        link_events::came_over(&self.0, event, head, call)
    }

    fn noted(&self, event: u32, what: u8, number: u32) -> Result<(), LinkError> {
        link_events::noted(&self.0, event, what, number);
        Ok(())
    }

    fn over(&self, event: u32, _: Duration) -> Result<(), LinkError> {
        let over = self.0.borrow_mut().remove(&event);
        if let Some(bridge) = over {
            bridge.close();
        }
        Ok(())
    }
}
