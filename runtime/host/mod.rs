//! One thread's share of a server: the agents' cells, their outbound worker's cell, and the way between them.

mod agent;
mod agent_cells;
mod backoff;
mod blanks;
mod body;
mod broken_body;
mod builder;
mod bulkhead;
mod bulkheads;
mod callable;
mod callee;
mod client;
mod code;
pub(crate) mod confined;
mod crons;
mod desk;
mod error_page;
mod far;
mod far_called;
mod far_job;
mod far_link;
mod found;
mod front;
mod gate;
mod grant;
mod isolate_per;
mod isolates;
mod isolation;
mod job;
mod known;
mod later;
mod line;
mod line_fetch;
mod link_events;
mod live_call;
mod live_console;
mod live_request;
mod loader;
mod minutes;
mod node;
mod opened_socket;
mod order;
mod policies;
mod policy_cells;
mod processes;
mod project;
mod renumbered;
mod residents;
mod respawn;
mod routes;
mod scheduled;
mod served;
mod service;
mod tail;
mod thrown;
mod told;
mod transferable;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use deno_core::unsync::spawn;
use deno_core::url::Url;
use http::{HeaderMap, HeaderName};
use tokio::sync::mpsc;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{CallerId, EventError, Origin, Request, Response, Termination};

use crate::audit::{AccessLog, Feed};
use crate::egress::{NetworkGate, Upstream};
use crate::isolate::{CellHandle, StartupError, trim_soon};
use crate::limits::ClientTimeouts;
use crate::metrics;
use crate::rules::Forwarders;
pub use agent::Agent;
use agent_cells::{AgentCells, WayOf};
pub use body::ResponseBody;
pub use builder::ProjectBuilder;
use bulkheads::Bulkheads;
use callee::Callees;
pub use client::Client;
pub use code::Code;
pub(crate) use error_page::broken_page;
pub(crate) use found::Finder;
pub use front::Front;
pub(crate) use grant::matches_name;
pub use grant::{Grant, Offers};
pub use isolate_per::IsolatePer;
pub use isolates::IsolateLimits;
pub use isolation::Isolation;
use known::KnownAgents;
pub(crate) use loader::loader_of;
pub(crate) use opened_socket::{AsksForSocket, OpenedSocket};
use policies::Policies;
use policy_cells::PolicyCells;
use processes::ProcessLinks;
pub use project::Project;
pub(crate) use served::{Outcome, Served};
pub use tail::TailWorker;

/// A project's isolates on one thread, as a `tower` service. It must stay on the thread, inside a current-thread tokio
/// runtime.
#[derive(Clone)]
pub struct Instance(Rc<Inner>);

struct Inner {
    project: Project,
    agents: Rc<AgentCells>,
    policies: Option<Policies>,
    /// The links to agents in processes of their own.
    processes: Option<Rc<ProcessLinks>>,
    /// Where agents work that disturb the others.
    bulkheads: Option<Rc<Bulkheads>>,
    /// Whether these may end before they are done.
    aborted: Rc<Cell<bool>>,
    /// Whether no more requests are taken.
    is_draining: Cell<bool>,
}

impl Instance {
    /// Boots the isolates of a project on this thread. Agents that disturb the others go on working here.
    pub async fn start(project: &Project) -> Result<Self, StartupError> {
        Self::make(project, None, None).await
    }

    /// The same, with threads more for agents that disturb the others.
    pub(crate) async fn with_bulkheads(project: &Project) -> Result<Self, StartupError> {
        // A debugger wants to find all of it in one place.
        let (others, far) = mpsc::unbounded_channel();
        let bulkheads =
            (!project.is_debugged()).then(|| Rc::new(Bulkheads::new(project.clone(), others, bulkhead::run)));
        let instance = Self::make(project, None, bulkheads).await?;
        // Those that work apart call the others here.
        let agents: Weak<dyn Callees> = Rc::<AgentCells>::downgrade(&instance.0.agents);
        spawn(far_called::serve(agents, far));
        Ok(instance)
    }

    /// The same, with a mock network.
    pub(crate) async fn mocked(project: &Project, upstream: Rc<dyn Upstream>) -> Result<Self, StartupError> {
        Self::make(project, Some(upstream), None).await
    }

    async fn make(
        project: &Project,
        upstream: Option<Rc<dyn Upstream>>,
        bulkheads: Option<Rc<Bulkheads>>,
    ) -> Result<Self, StartupError> {
        let known = KnownAgents::default();
        // A test's time is its own, and its policies stay as long as it does.
        let ends = upstream.is_none();
        let pretends = upstream.clone();
        let mut network = None;
        let policies = match &project.outbound {
            Some(worker) => {
                let (way, agents) = (Arc::clone(&project.network), known.agents());
                let gate = match upstream {
                    Some(upstream) => NetworkGate::mocked(way, agents, upstream),
                    None => NetworkGate::new(way, agents, worker.limits.headers),
                };
                let gate = Rc::new(gate);
                network = Some(Rc::clone(&gate));
                // Tests have all of it in one place.
                let apart = project.policy_processes.as_ref().filter(|_| ends);
                Some(match apart {
                    Some(processes) => {
                        let policy = (processes, worker);
                        let links = ProcessLinks::of_policy(project, policy, gate, known.clone()).await?;
                        Policies::Processes(links)
                    }
                    None => Policies::Cells(PolicyCells::start(project, worker, gate, known.clone(), ends).await?),
                })
            }
            None => None,
        };
        let aborted = Rc::new(Cell::new(false));
        // Where each thread has isolates of all agents, none is handed anything.
        let (desk, handed) = mpsc::unbounded_channel();
        let desk = (bulkheads.is_some() && !project.starts_all()).then_some(desk);
        let agents = AgentCells::new(
            project.clone(),
            known,
            policies.clone(),
            (network, pretends),
            desk,
            Rc::clone(&aborted),
            None,
        );
        // Tests have all of it in one place.
        let processes = ends.then(|| ProcessLinks::new(project, &agents)).flatten();
        if let Some(processes) = &processes {
            agents.reach(processes);
        }
        if let Some(bulkheads) = &bulkheads {
            let bulkheads = Rc::downgrade(bulkheads);
            agents.reach_apart(move |place| bulkheads.upgrade()?.line(place));
        }
        let instance = Self(Rc::new(Inner {
            project: project.clone(),
            processes,
            agents,
            policies,
            bulkheads,
            aborted,
            is_draining: Cell::new(false),
        }));
        let crons = project.agents.iter().any(|agent| !agent.crons.is_empty());
        // Where a worker is developed its owner says when, and a test's time is its own.
        if crons && ends && !project.show_errors {
            let minutes = Arc::clone(&project.minutes);
            spawn(crons::run(Rc::downgrade(&instance.0), minutes));
        }
        spawn(desk::serve(Rc::downgrade(&instance.0), handed));
        instance.start_agents(ends).await?;
        Ok(instance)
    }

    /// An instance whose agents have no ways out but these, without a policy. Isolates are made when they are asked for.
    fn confined(project: &Project, way: WayOf) -> Self {
        let aborted = Rc::new(Cell::new(false));
        let known = KnownAgents::default();
        let agents = AgentCells::new(
            project.clone(),
            known,
            None,
            (None, None),
            None,
            Rc::clone(&aborted),
            Some(way),
        );
        Self(Rc::new(Inner {
            project: project.clone(),
            agents,
            policies: None,
            processes: None,
            bulkheads: None,
            aborted,
            is_draining: Cell::new(false),
        }))
    }

    /// Boots the isolates of agents before anything is served: of all, where they are few, else as many as their owner wants. Fails with what
    /// is wrong with each of them. `ends` is false for a test, to which the folders of agents that it does not ask for are nothing.
    async fn start_agents(&self, ends: bool) -> Result<(), StartupError> {
        let project = &self.0.project;
        let mut broken = Vec::new();
        let mut listed = project.agents.iter().enumerate();
        loop {
            let next = if project.starts_all() {
                listed.next()
            } else {
                project.next_to_start()
            };
            let next = next.map(|(place, agent)| (place, Arc::clone(agent)));
            let counts = ends || next.is_some();
            let Some((place, agent)) = next.or_else(|| project.next_found()) else {
                break;
            };
            // One that may not work yet is started when it may, and its start is nobody else's trouble.
            // Nor may one's script run here that is to run in a process.
            let quarantine = agent.worker.quarantine.as_ref();
            if !quarantine.is_some_and(|quarantine| quarantine.is_ejected()) && self.processes_of(&agent).is_none() {
                if let Err(error) = self.0.agents.start(place, &agent).await {
                    broken.extend(counts.then_some(error));
                }
            }
            // Others of this thread get their turn, and this task a fresh budget.
            tokio::task::yield_now().await;
        }
        if let Err(error) = StartupError::all("the agents' code", broken) {
            self.abort();
            return Err(error);
        }
        if !project.starts_all() {
            // Nothing is left of what was looked at, nor of the configuration's text.
            trim_soon();
        }
        Ok(())
    }

    /// The links to processes, where an agent is in one.
    fn processes_of(&self, agent: &Agent) -> Option<&Rc<ProcessLinks>> {
        self.0
            .processes
            .as_ref()
            .filter(|_| agent.isolation == Isolation::Process)
    }

    /// The agent that a request is for, with its place. `sent` is the path as it was sent. The header that may name an agent is
    /// for us, and taken off.
    async fn route(
        &self,
        url: &Url,
        sent: &str,
        headers: &mut HeaderMap,
    ) -> Result<Option<(usize, Arc<Agent>)>, Termination> {
        let routed = self.0.project.route(url, sent, headers).await?;
        if let Some(header) = self.0.project.routes.header().filter(|_| routed.is_some()) {
            headers.remove(header);
        }
        Ok(routed)
    }

    /// The proxies that are believed.
    pub(crate) fn forwarders(&self) -> &Forwarders {
        &self.0.project.forwarders
    }

    /// How clients' connections are taken.
    pub(crate) fn front(&self) -> &Front {
        &self.0.project.front
    }

    /// The header by which a request may name its agent.
    pub(crate) fn match_header(&self) -> Option<&HeaderName> {
        self.0.project.routes.header()
    }

    /// What a client may take its time for.
    pub(crate) fn client_timeouts(&self) -> ClientTimeouts {
        self.0.project.client_timeouts
    }

    /// The most bytes of headers that any agent takes.
    pub(crate) fn largest_head(&self) -> usize {
        self.0.project.largest_head()
    }

    /// Hands a request to an agent, in its bulkhead where it works apart. Dropping the future cancels it.
    async fn dispatch(
        &self,
        (place, agent): (usize, &Arc<Agent>),
        mut request: Request,
        trace: Rc<Trace>,
    ) -> Result<Response, EventError> {
        if let Some(assets) = &agent.assets {
            match assets.client(request, agent.worker.account.as_ref()).await {
                ControlFlow::Break(response) => return Ok(response),
                ControlFlow::Continue(unserved) => request = unserved,
            }
        }
        if let Some(resident) = self.0.agents.elsewhere(place) {
            if let Some(account) = &agent.worker.account {
                trace.is_for(account);
            }
            return resident.dispatch(place, request, &trace).await;
        }
        self.dispatch_here((place, agent), request, trace).await
    }

    /// The same, on this thread.
    async fn dispatch_here(
        &self,
        (place, agent): (usize, &Arc<Agent>),
        request: Request,
        trace: Rc<Trace>,
    ) -> Result<Response, EventError> {
        let worker = &agent.worker;
        if let Some(account) = &worker.account {
            trace.is_for(account);
        }
        if let Some(processes) = self.processes_of(agent) {
            // What its policy and the host do for it is done on this thread: where that disturbs others it works apart as well.
            return match (&self.0.bulkheads, &worker.quarantine) {
                (Some(_), Some(quarantine)) if quarantine.is_ejected() => {
                    Err(EventError::Terminated(Termination::Ejected))
                }
                (Some(bulkheads), Some(quarantine)) if quarantine.is_quarantined() => {
                    bulkheads.dispatch(place, request, &trace).await
                }
                _ => processes.dispatch((place, agent), request, trace).await,
            };
        }
        let (Some(bulkheads), Some(quarantine)) = (&self.0.bulkheads, &worker.quarantine) else {
            return self
                .cell(place, agent)?
                .dispatch(request, Origin { caller: 0, trace })
                .await;
        };
        if quarantine.is_ejected() {
            return Err(EventError::Terminated(Termination::Ejected));
        }
        if quarantine.is_quarantined() {
            return bulkheads.dispatch(place, request, &trace).await;
        }
        let origin = Origin {
            caller: 0,
            trace: Rc::clone(&trace),
        };
        let mut here = self.cell(place, agent)?.dispatch(request, origin);
        tokio::select! {
            biased;
            response = &mut here => response,
            // What is queued goes along; what has begun is finished here.
            () = quarantine.quarantined() => match here.take_back() {
                Ok(request) => bulkheads.dispatch(place, request, &trace).await,
                Err(here) => here.await,
            },
        }
    }

    /// An agent's cell. Fails while it is left alone, because it did not start.
    fn cell(&self, place: usize, agent: &Arc<Agent>) -> Result<CellHandle, EventError> {
        if !self.0.agents.has(place) && agent.backoff.waits() {
            return Err(EventError::Terminated(Termination::Startup));
        }
        Ok(self.0.agents.of(place, agent))
    }

    /// Hands one request to the agent that it is for, or gives nothing where there is none. Dropping the future
    /// cancels it, and all that it caused.
    pub async fn handle(&self, request: Request) -> Option<Result<Response, EventError>> {
        let trace = Trace::of(&request.headers);
        self.handle_traced(request, trace).await
    }

    /// The same, as a part of this trace.
    async fn handle_traced(&self, mut request: Request, trace: Trace) -> Option<Result<Response, EventError>> {
        let routed = self.route(&request.url, request.url.path(), &mut request.headers);
        match routed.await {
            Ok(Some((place, agent))) => Some(self.dispatch((place, &agent), request, Rc::new(trace)).await),
            Ok(None) => None,
            Err(why) => Some(Err(EventError::Terminated(why))),
        }
    }

    /// One agent's cell, by its place in the project.
    pub(crate) fn agent_cell(&self, agent: usize) -> Option<CellHandle> {
        let found = self.0.project.agent(agent)?;
        Some(self.0.agents.of(agent, &found))
    }

    /// The outbound worker's cell for an agent, by the agent's place in the project, and who the agent is there.
    pub(crate) fn policy_cell(&self, agent: usize) -> Option<(CellHandle, CallerId)> {
        self.0.policies.as_ref()?.cell_of(agent)
    }

    /// How many events of agents and of the policy do something yet.
    pub(crate) fn at_work(&self) -> usize {
        let policies = self.0.policies.as_ref().map_or(0, Policies::at_work);
        self.0.agents.at_work() + policies
    }

    /// Ends everything at once, events under way too.
    pub(crate) fn abort(&self) {
        self.0.aborted.set(true);
        self.0.agents.abort();
        if let Some(processes) = &self.0.processes {
            processes.abort();
        }
        if let Some(policies) = &self.0.policies {
            policies.abort();
        }
    }

    /// Where each client's request is told of.
    pub(crate) fn access_log(&self) -> Option<&Arc<AccessLog>> {
        self.0.project.access_log.as_ref()
    }

    /// Who looks on.
    fn feed(&self) -> Option<&Arc<Feed>> {
        self.0.project.feed.as_ref()
    }

    /// Records that an agent's event was ended.
    fn ended(&self, agent: &Agent, why: Termination, request_id: &str) {
        let id = agent.id();
        metrics::ended(&id, why);
        if let Some(audit) = &self.0.project.network.audit {
            audit.ended(&id, why, request_id);
        }
    }

    pub(crate) fn shows_errors(&self) -> bool {
        self.0.project.show_errors
    }

    /// Takes no more requests, and waits until the events under way have ended.
    pub async fn drained(&self) {
        self.0.is_draining.set(true);
        // The agents end first: their last requests still pass the outbound worker.
        self.0.agents.drained().await;
        if let Some(processes) = &self.0.processes {
            processes.drained().await;
        }
        if let Some(policies) = &self.0.policies {
            policies.drained().await;
        }
    }
}
