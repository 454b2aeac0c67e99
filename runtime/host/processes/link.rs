//! One thread's link to one process: events go out, and requests of theirs come back.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deno_core::unsync::spawn;
use tokio_tungstenite::tungstenite::protocol::Role as Side;
use workerd_lite_ops::egress::EgressHandle;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::rpc::{Broken, Call, Failure, Session, Started};
use workerd_lite_ops::tcp::is_connect;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::websocket::socket_pair;
use workerd_lite_ops::{Body, CallerId, EventError, FetchError, Request, Response, Role, Termination};

use super::bridges::bridge;
use super::events::{Event, Events};
use crate::boundary::{
    Aim, Begin, Child, Connection, Envelope, Joins, LinkError, LoadedWorker, TlsAt, To, Unanswered, UnderWay, Wire,
    ask, carry,
};
use crate::host::agent::Agent;
use crate::host::gate::LoadedWays;
use crate::host::job::keeping;
use crate::identity::Attested;
use crate::websocket;

/// How much longer than the longest event computes a process may take for a sign of life.
const SLACK: Duration = Duration::from_secs(10);

/// A whole body that is no larger is not worth being counted.
const SMALL: usize = 16 << 10;

/// Of how many loaded workers the ways out are remembered.
const LOADED: usize = 64;

/// A link.
pub(super) struct Link {
    pub(super) child: Arc<Child>,
    pub(super) connection: Connection,
    /// The ways out of its agents, and their places in the project, in the order that the process counts them.
    gates: Vec<(EgressHandle, Option<LoadedWays>)>,
    tenant: Option<String>,
    /// Those of workers that its agents have loaded, and that have asked for something.
    loaded: RefCell<HashMap<(usize, LoadedWorker), EgressHandle>>,
    places: Vec<usize>,
    pub(super) names: Vec<String>,
    pub(super) events: Events,
    /// Bytes of headers that any of its agents may have in a message.
    pub(super) headers: usize,
    /// Whether it is to a policy's process.
    pub(super) is_policys: bool,
    /// Agents that a policy's process was told of.
    joined: RefCell<HashSet<u32>>,
    pub(super) over: Cell<bool>,
    /// Whether it was this end that closed it, where nothing is under way or nobody waits any longer.
    aborted: Cell<bool>,
    /// Bytes that requests and calls have here: see [`super::room`].
    pub(super) held: Cell<usize>,
    /// What whole bodies take here that its agents have not read, of each as much as one of its isolates may hold.
    bodies: Vec<ExternalMemory>,
    /// WebSockets that its agents have opened.
    sockets: Rc<Cell<usize>>,
    /// Connections of `connect()`.
    tcp: Rc<Cell<usize>>,
}

impl Link {
    /// To the process of these, with their ways out, where messages may have so many bytes of headers.
    pub(super) fn new(
        child: Arc<Child>,
        members: &[(usize, Arc<Agent>)],
        gates: Vec<(EgressHandle, Option<LoadedWays>)>,
        headers: usize,
    ) -> Rc<Self> {
        let limits = || members.iter().map(|(_, agent)| agent.worker.limits);
        let longest = limits()
            .map(|limits| limits.cpu.max(limits.startup))
            .max()
            .unwrap_or_default();
        let patience = longest.saturating_mul(4).saturating_add(SLACK);
        Rc::new(Self {
            child,
            connection: Connection::of_parent(headers, patience),
            gates,
            tenant: members.first().and_then(|(_, agent)| agent.tenant.clone()),
            loaded: RefCell::default(),
            places: members.iter().map(|(place, _)| *place).collect(),
            names: members.iter().map(|(_, agent)| agent.worker.name.clone()).collect(),
            events: Events::default(),
            headers,
            is_policys: members.iter().any(|(_, agent)| agent.worker.role == Role::Outbound),
            joined: RefCell::default(),
            over: Cell::new(false),
            aborted: Cell::new(false),
            held: Cell::new(0),
            bodies: limits().map(|limits| ExternalMemory::new(limits.buffers)).collect(),
            sockets: Rc::default(),
            tcp: Rc::default(),
        })
    }

    /// The way out of an agent, or of a worker that it has loaded: the same policy and rules, under a name of its own.
    pub(super) fn gate(&self, agent: usize, loaded: Option<&LoadedWorker>) -> Result<EgressHandle, FetchError> {
        let (own, ways) = self.gates.get(agent).ok_or(FetchError::EventEnded)?;
        let Some(loaded) = loaded else {
            return Ok(Rc::clone(own));
        };
        let parent = self.names.get(agent).ok_or(FetchError::EventEnded)?;
        let ways = ways.as_ref().ok_or(FetchError::NoWayOut)?;
        let mut known = self.loaded.borrow_mut();
        if known.len() >= LOADED {
            known.clear();
        }
        let way = known.entry((agent, loaded.clone())).or_insert_with(|| {
            ways(Attested {
                name: format!("{parent}/{}", loaded.id),
                tenant: self.tenant.clone(),
                instance: uuid::Uuid::new_v4().simple().to_string(),
                code_sha256: loaded.code_sha256.clone(),
                parent: Some(parent.clone()),
            })
        });
        Ok(Rc::clone(way))
    }

    /// Tells a policy's process of an agent before the first of its events. Fails where there is no room for what is to be said.
    pub(super) fn join(&self, number: u32, agent: impl FnOnce() -> Option<Joins>) -> Result<(), EventError> {
        if self.joined.borrow().contains(&number) {
            return Ok(());
        }
        let joins = agent().ok_or(EventError::Shutdown)?;
        joins.tell(&self.connection, number).map_err(|error| {
            tracing::error!(target: "worker", process = self.child.id, "the policy's process can not be told of {}: {error}", joins.name);
            EventError::Terminated(Termination::Startup)
        })?;
        self.joined.borrow_mut().insert(number);
        Ok(())
    }

    /// In whose name a policy's requests go out.
    fn caller(&self, aim: Option<Aim<'_>>) -> CallerId {
        let caller = aim.filter(|_| self.is_policys).and_then(|aim| aim.caller);
        caller.map_or(0, |(number, _)| number)
    }

    /// Hands a request over. Dropping the future cancels it.
    pub(super) async fn dispatch(
        self: Rc<Self>,
        (place, agent): (usize, &Arc<Agent>),
        request: Request,
        (trace, aim): (Rc<Trace>, Option<Aim<'_>>),
        under_way: UnderWay,
    ) -> Result<Response, EventError> {
        let to = self.places.iter().position(|known| *known == place);
        let to = to.ok_or(EventError::Shutdown)?;
        let request_id = trace.request_id();
        if self.is_policys {
            // From here on it is the policy that takes its time.
            trace.started.set(Some(Instant::now()));
        }
        let limits = agent.worker.effective_limits();
        let event = Event::new((to, self.caller(aim)), trace, limits, under_way);
        let number = self.events.begin(&event, || self.connection.next());
        let number = number.map_err(EventError::Terminated)?;
        bridge(&self, number, &event);
        let reading = Reading(event);
        let envelope = Envelope {
            to: To::Agent(u32::try_from(to).unwrap_or(u32::MAX)),
            event: number,
            request_id: Some(&request_id),
            aim,
            loaded: None,
        };
        let connects = is_connect(&request);
        let asking = ask(&self.connection, number, envelope, request).map_err(|error| {
            // It has not begun there.
            self.events.end(number);
            self.debug(&error);
            EventError::Shutdown
        })?;
        let answered = asking.answered(limits.headers.max(self.headers)).await;
        let mut answered = answered.map_err(|why| match why {
            Unanswered::Failed(failure, cpu) => {
                reading.0.computed(cpu);
                failure.of_event()
            }
            Unanswered::Gone => {
                self.debug(&"its link is over");
                self.lost()
            }
            Unanswered::Broken(error) => {
                self.broken(&error);
                EventError::Terminated(Termination::Process)
            }
        })?;
        reading.0.is_answered();
        reading.0.computed(answered.cpu);
        if let Some(call) = answered.socket {
            let (ours, theirs) = socket_pair();
            // It may outlive its event, and its process is not put away meanwhile.
            let (link, busy) = (Rc::clone(&self), self.child.begin());
            spawn(async move {
                if !connects {
                    websocket::run_between(Wire::from(call), Side::Client, limits.sockets, theirs).await;
                } else if let Err(error) = carry(call, theirs, TlsAt::There).await {
                    link.broken(&error);
                }
                drop(busy);
            });
            answered.response.socket = Some(ours);
        }
        Ok(keeping(answered.response, reading))
    }

    /// What events are ended by whose process is gone. Whose memory it was that a policy's process had too much of, is not known.
    pub(super) fn end_of_events(&self) -> Termination {
        if !self.is_policys && self.child.is_out_of_memory() {
            Termination::Memory
        } else {
            Termination::Process
        }
    }

    /// The same, where its process is gone and it was not this end that closed the link.
    pub(super) fn ended(&self) -> Option<Termination> {
        (self.connection.is_closed() && !self.aborted.get()).then(|| self.end_of_events())
    }

    /// Why nothing came of an event that the process gave up, or went with.
    fn lost(&self) -> EventError {
        self.ended().map_or(EventError::Shutdown, EventError::Terminated)
    }

    /// The process is gone, and all of its events with it. Gives those that nobody waits for, with their agents' places: who waits
    /// for the others tells of them.
    pub(super) fn take_lost(&self) -> Vec<(usize, Rc<Event>)> {
        let all = self.events.end_all();
        if self.aborted.get() {
            return Vec::new();
        }
        let lost = all.into_iter().filter(|event| !event.is_awaited());
        lost.filter_map(|event| Some((*self.places.get(event.agent)?, event)))
            .collect()
    }

    /// Hands a call over, which begins an event.
    pub(super) fn begin(
        self: &Rc<Self>,
        (place, agent): (usize, &Agent),
        call: Call,
        (trace, aim): (Rc<Trace>, Aim<'_>),
        under_way: UnderWay,
    ) -> Started {
        const BUSY: &str = "RPC failed: the worker has as many events under way as it may";
        let Some(to) = self.places.iter().position(|known| *known == place) else {
            return Broken::refuse(call.reply, Failure::gone());
        };
        let request_id = trace.request_id();
        let limits = agent.worker.effective_limits();
        let event = Event::new((to, self.caller(Some(aim))), trace, limits, under_way);
        let Ok(number) = self.events.begin(&event, || self.connection.next()) else {
            return Broken::refuse(call.reply, Failure::new("Error", BUSY));
        };
        let begin = Begin {
            agent: u32::try_from(to).unwrap_or(u32::MAX),
            request_id: &request_id,
            aim,
        };
        match bridge(self, number, &event).begin(begin, call) {
            Ok(Started { answer, session }) => Started {
                answer,
                session: session.map(|session| ends(session, event)),
            },
            Err(refused) => {
                // It has not begun there.
                self.events.end(number);
                refused
            }
        }
    }

    fn debug(&self, why: &dyn std::fmt::Display) {
        tracing::debug!(target: "worker", process = self.child.id, "a link brought no response: {why}");
    }

    /// The process says what no process of ours says.
    pub(super) fn broken(&self, error: &LinkError) {
        self.child.kill(&format!("its link is broken: {error}"));
        self.connection.close();
    }

    /// Counts what an honest process does seldom. Fails where that is too often.
    pub(super) fn stray(&self) -> Result<(), LinkError> {
        if self.events.strays() {
            return Err(LinkError::Flood(
                "it asks in the name of events that there are not, or for more than they may",
            ));
        }
        Ok(())
    }

    /// Counts a WebSocket that an agent has opened, of which each may have so many. Nothing where there are too many.
    pub(super) fn open_socket(&self, each: usize) -> Option<OpenSocket> {
        self.count(&self.sockets, each)
    }

    /// Counts a connection of `connect()`, likewise.
    pub(super) fn open_tcp(&self, each: usize) -> Option<OpenSocket> {
        self.count(&self.tcp, each)
    }

    fn count(&self, open: &Rc<Cell<usize>>, each: usize) -> Option<OpenSocket> {
        (open.get() < each.saturating_mul(self.places.len())).then(|| {
            open.set(open.get() + 1);
            OpenSocket(Rc::clone(open))
        })
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.over.get() && self.events.is_busy()
    }

    /// A body for an agent. A whole one counts as what the agent holds, until its process has taken it.
    pub(super) fn counted(&self, agent: usize, body: Body) -> Result<Body, FetchError> {
        match body {
            Body::Full(bytes) if bytes.len() > SMALL => {
                let memory = self.bodies.get(agent).ok_or(FetchError::EventEnded)?;
                Ok(Body::Full(memory.reserve(bytes.len())?.hold(bytes)))
            }
            body => Ok(body),
        }
    }

    /// Whether it was this end that closed it.
    pub(super) fn is_aborted(&self) -> bool {
        self.aborted.get()
    }

    pub(super) fn abort(&self) {
        self.aborted.set(true);
        self.connection.close();
    }
}

/// Lets an event be known for a while only, once nobody waits for anything of it.
fn ends(session: Session, event: Rc<Event>) -> Session {
    let reading = Reading(event);
    Session::elsewhere(move |by_itself| {
        drop(reading);
        if by_itself {
            session.done();
        }
    })
}

/// An event whose response is waited for, or read.
struct Reading(Rc<Event>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.is_read();
    }
}

/// A WebSocket or a connection, until it is closed.
pub(super) struct OpenSocket(Rc<Cell<usize>>);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
