//! One thread's share of a server: the agents' cells, their outbound worker's cell, and the way between them.

mod agent;
mod body;
mod bulkhead;
mod bulkheads;
mod client;
mod error_page;
mod gate;
mod live_call;
mod live_console;
mod live_request;
mod policy_cells;
mod project;
mod renumbered;
mod respawn;
mod routes;
mod served;
mod service;
mod told;
mod transferable;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use deno_core::unsync::{JoinHandle, spawn};
use deno_core::url::Url;
use http::{HeaderMap, HeaderName};
use workerd_lite_ops::fetch::EgressHandle;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{CallerId, EventError, Origin, Request, Response, Termination};

use crate::audit::{AccessLog, Auditor, Feed};
use crate::egress::{NetworkGate, Upstream};
use crate::isolate::{Caller, CellHandle, Essential, StartupError};
use crate::limits::ClientTimeouts;
use crate::metrics;
use crate::rules::Forwarders;
pub use agent::Agent;
pub use body::ResponseBody;
use bulkheads::Bulkheads;
pub use client::Client;
pub(crate) use error_page::broken_page;
use gate::OutboundGate;
pub use policy_cells::IsolatePer;
use policy_cells::PolicyCells;
pub use project::{Project, ProjectBuilder};
use respawn::{Surroundings, respawn};
use routes::Routes;
pub(crate) use served::{Outcome, Served};

/// A project's isolates on one thread, as a `tower` service. It must stay on the thread, inside a current-thread tokio
/// runtime.
#[derive(Clone)]
pub struct Instance(Rc<Inner>);

struct Inner {
    agents: Vec<(Agent, CellHandle)>,
    routes: Arc<Routes>,
    forwarders: Arc<Forwarders>,
    policies: Option<Rc<PolicyCells>>,
    show_errors: bool,
    feed: Option<Arc<Feed>>,
    client_timeouts: ClientTimeouts,
    audit: Option<Arc<Auditor>>,
    access_log: Option<Arc<AccessLog>>,
    /// Where agents work that disturb the others.
    bulkheads: Option<Bulkheads>,
    /// The agents' loops.
    running: RefCell<Vec<JoinHandle<()>>>,
    /// Whether these may end before they are done.
    aborted: Rc<Cell<bool>>,
}

impl Instance {
    /// Boots the isolates of a project on this thread. Agents that disturb the others go on working here.
    pub async fn start(project: &Project) -> Result<Self, StartupError> {
        Self::make(project, None, None).await
    }

    /// The same, with threads more for agents that disturb the others.
    pub(crate) async fn with_bulkheads(project: &Project) -> Result<Self, StartupError> {
        // A debugger wants to find all of it in one place.
        let debugged = project.agents.iter().any(|agent| agent.worker.inspection.is_some());
        let bulkheads = (!debugged).then(|| Bulkheads::new(project.clone()));
        Self::make(project, None, bulkheads).await
    }

    /// The same, with a mock network.
    pub(crate) async fn mocked(project: &Project, upstream: Rc<dyn Upstream>) -> Result<Self, StartupError> {
        Self::make(project, Some(upstream), None).await
    }

    async fn make(
        project: &Project,
        upstream: Option<Rc<dyn Upstream>>,
        bulkheads: Option<Bulkheads>,
    ) -> Result<Self, StartupError> {
        let attested = project.attest();
        let policies = match &project.outbound {
            Some(worker) => {
                let network = Arc::clone(&project.network);
                // A test's time is its own, and its policies stay as long as it does.
                let ends = upstream.is_none();
                let gate = match upstream {
                    Some(upstream) => NetworkGate::mocked(network, attested.clone(), upstream),
                    None => NetworkGate::new(network, attested.clone(), project.connections(), worker.limits.headers),
                };
                let callers = (Rc::new(gate) as EgressHandle, project.callers(&attested));
                Some(PolicyCells::start(worker, callers, &project.agents, project.isolate_per, ends).await?)
            }
            None => None,
        };
        let aborted = Rc::new(Cell::new(false));
        let mut agents = Vec::new();
        let mut running = Vec::new();
        for (place, agent) in project.agents.iter().enumerate() {
            let gate = OutboundGate {
                network: Arc::clone(&project.network),
                agent: attested[place].clone(),
                policies: policies.clone(),
                place,
                rules: agent.egress.clone(),
                timeout: project.policy_timeout,
            };
            let (egress, callers): (EgressHandle, _) = (Rc::new(gate), vec![Caller::anyone()]);
            // One that may not work yet is started when it may, and its start is nobody else's trouble.
            let ejected = agent
                .worker
                .quarantine
                .as_ref()
                .is_some_and(|quarantine| quarantine.is_ejected());
            let (handle, cell) = if ejected {
                (agent.worker.handle(callers.len()), None)
            } else {
                let cell = agent.worker.boot(Rc::clone(&egress), &callers).await?;
                (cell.handle(), Some(cell))
            };
            // Others of this thread get their turn, and this task a fresh budget.
            tokio::task::yield_now().await;
            agents.push((agent.clone(), handle.clone()));
            let policies = policies.clone();
            let surroundings = Surroundings {
                egress,
                garbage: policies.map(|policies| Box::new(move || policies.collect(place)) as Box<dyn Fn()>),
                quarantines: Rc::default(),
            };
            let culprit = agent.worker.culprit();
            let running_agent = respawn(agent.worker.clone(), surroundings, callers, handle, cell);
            running.push(spawn(Essential::new(Some(culprit), &aborted, running_agent)));
        }
        Ok(Self(Rc::new(Inner {
            agents,
            routes: Arc::clone(&project.routes),
            forwarders: Arc::clone(&project.forwarders),
            policies,
            show_errors: project.show_errors,
            feed: project.feed.clone(),
            client_timeouts: project.client_timeouts,
            audit: project.network.audit.clone(),
            access_log: project.access_log.clone(),
            bulkheads,
            running: RefCell::new(running),
            aborted,
        })))
    }

    /// The agent that a request is for, with its place. `sent` is the path as it was sent. The header that may name an agent is
    /// for us, and taken off.
    fn route(&self, url: &Url, sent: &str, headers: &mut HeaderMap) -> Option<(usize, &Agent)> {
        let place = self.0.routes.find(url, sent, headers)?;
        if let Some(header) = self.0.routes.header() {
            headers.remove(header);
        }
        self.0.agents.get(place).map(|(agent, _)| (place, agent))
    }

    /// The proxies that are believed.
    pub(crate) fn forwarders(&self) -> &Forwarders {
        &self.0.forwarders
    }

    /// The header by which a request may name its agent.
    pub(crate) fn match_header(&self) -> Option<&HeaderName> {
        self.0.routes.header()
    }

    /// What a client may take its time for.
    pub(crate) fn client_timeouts(&self) -> ClientTimeouts {
        self.0.client_timeouts
    }

    /// The most bytes of headers that any agent takes.
    pub(crate) fn largest_head(&self) -> usize {
        let agents = self.0.agents.iter();
        agents
            .map(|(agent, _)| agent.worker.limits.headers)
            .max()
            .unwrap_or_default()
    }

    /// Hands a request to an agent, in its bulkhead where it works apart. Dropping the future cancels it.
    async fn dispatch(&self, agent: usize, request: Request, trace: Rc<Trace>) -> Result<Response, EventError> {
        let (Agent { worker, .. }, cell) = &self.0.agents[agent];
        if let Some(account) = &worker.account {
            trace.is_for(account);
        }
        let (Some(bulkheads), Some(quarantine)) = (&self.0.bulkheads, &worker.quarantine) else {
            return cell.dispatch(request, Origin { caller: 0, trace }).await;
        };
        if quarantine.is_ejected() {
            return Err(EventError::Terminated(Termination::Ejected));
        }
        if quarantine.is_quarantined() {
            return bulkheads.dispatch(agent, request, &trace).await;
        }
        let origin = Origin {
            caller: 0,
            trace: Rc::clone(&trace),
        };
        let mut here = cell.dispatch(request, origin);
        tokio::select! {
            biased;
            response = &mut here => response,
            // What is queued goes along; what has begun is finished here.
            () = quarantine.quarantined() => match here.take_back() {
                Ok(request) => bulkheads.dispatch(agent, request, &trace).await,
                Err(here) => here.await,
            },
        }
    }

    /// Hands one request to the agent that it is for, or gives nothing where there is none. Dropping the future
    /// cancels it, and all that it caused.
    pub async fn handle(&self, request: Request) -> Option<Result<Response, EventError>> {
        let trace = Trace::of(&request.headers);
        self.handle_traced(request, trace).await
    }

    /// The same, as a part of this trace.
    async fn handle_traced(&self, mut request: Request, trace: Trace) -> Option<Result<Response, EventError>> {
        let (agent, _) = self.route(&request.url, request.url.path(), &mut request.headers)?;
        Some(self.dispatch(agent, request, Rc::new(trace)).await)
    }

    /// One agent's cell, by its place in the project.
    pub(crate) fn agent_cell(&self, agent: usize) -> Option<&CellHandle> {
        self.0.agents.get(agent).map(|(_, cell)| cell)
    }

    /// The outbound worker's cell for an agent, by the agent's place in the project, and who the agent is there.
    pub(crate) fn policy_cell(&self, agent: usize) -> Option<(CellHandle, CallerId)> {
        self.0.policies.as_ref()?.of(agent)
    }

    /// Ends everything at once, events under way too.
    pub(crate) fn abort(&self) {
        self.0.aborted.set(true);
        for cell in self.0.running.borrow_mut().drain(..) {
            cell.abort();
        }
        if let Some(policies) = &self.0.policies {
            policies.abort();
        }
    }

    /// Where each client's request is told of.
    pub(crate) fn access_log(&self) -> Option<&Arc<AccessLog>> {
        self.0.access_log.as_ref()
    }

    /// Who looks on.
    fn feed(&self) -> Option<&Arc<Feed>> {
        self.0.feed.as_ref()
    }

    /// Records that an agent's event was ended.
    fn ended(&self, agent: &Agent, why: Termination, request_id: &str) {
        let id = agent.id();
        metrics::ended(&id, why);
        if let Some(audit) = &self.0.audit {
            audit.ended(&id, why, request_id);
        }
    }

    pub(crate) fn shows_errors(&self) -> bool {
        self.0.show_errors
    }

    /// Takes no more requests, and waits until the events under way have ended.
    pub async fn drained(&self) {
        let running = std::mem::take(&mut *self.0.running.borrow_mut());
        // The agents end first: their last requests still pass the outbound worker.
        for (_, cell) in &self.0.agents {
            cell.close();
        }
        for cell in running {
            let _ = cell.await;
        }
        if let Some(policies) = &self.0.policies {
            policies.drained().await;
        }
    }
}
