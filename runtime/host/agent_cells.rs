//! The agents' cells on one thread: each made when a request for its agent comes, and put away when none has come for a while, or
//! when others need its memory.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use deno_core::unsync::{JoinHandle, spawn};
use tokio::sync::mpsc;
use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::egress::EgressHandle;
use workerd_lite_ops::loading::LoaderHandle;
use workerd_lite_ops::{CallerId, Termination};

use super::agent::Agent;
use super::blanks::Blanks;
use super::callable::Callable;
use super::callee::{Callee, Callees};
use super::far::FarCallee;
use super::far_job::Route;
use super::far_link::FarLine;
use super::gate::{LoadedWays, Neighbour, OutboundGate};
use super::isolates::{Place, Used};
use super::isolation::Isolation;
use super::known::{KnownAgents, context_agent};
use super::loader::{AllLoaders, Parent};
use super::policies::Policies;
use super::processes::{ProcessCallee, ProcessLinks};
use super::project::Project;
use super::residents::{Handed, Resident};
use super::respawn::{Patience, Surroundings, respawn};
use super::tail::TailWorker;
use crate::egress::{NetworkGate, Upstream};
use crate::identity::Attested;
use crate::isolate::footprint::PutAside;
use crate::isolate::modules::Graph;
use crate::isolate::{Caller, Callers, Cell as Isolate, CellHandle, Essential, StartupError, Worker, trim_soon};

/// An agent's cell, and those that come after it where it is stopped.
struct Running {
    handle: CellHandle,
    used: Used,
    /// Clients, and agents that call it.
    callers: Callers,
    /// Which of those is which agent, by its place.
    joined: HashMap<usize, CallerId>,
    task: JoinHandle<()>,
}

/// An agent's way out, or that of a worker that it has loaded, and what it loads workers by.
pub(super) type WayOf = fn(&Agent, Option<&Attested>, Option<LoaderHandle>) -> EgressHandle;

/// The cells of one thread.
pub(super) struct AgentCells {
    project: Project,
    known: KnownAgents,
    policies: Option<Policies>,
    network: Option<Rc<NetworkGate>>,
    /// What stands in for services, in tests.
    pretends: Option<Rc<dyn Upstream>>,
    /// Where this thread takes what others hand over.
    desk: Option<mpsc::UnboundedSender<Handed>>,
    running: RefCell<HashMap<usize, Running>>,
    /// What agents have loaded, for those that may.
    loaders: AllLoaders,
    /// Whether their loops may end before they are done.
    aborted: Rc<Cell<bool>>,
    /// Their ways out, where those are not their policy.
    way: Option<WayOf>,
    /// Where agents are that have no cells here.
    processes: OnceCell<Weak<ProcessLinks>>,
    /// What leads to an agent of this thread that works apart, by its place, where it can be reached.
    apart: OnceCell<LineTo>,
    /// On a thread where one works apart: where the others are.
    others: OnceCell<Rc<FarLine>>,
}

/// Leads to the agent in a place.
type LineTo = Box<dyn Fn(usize) -> Option<Rc<FarLine>>>;

impl AgentCells {
    pub(super) fn new(
        project: Project,
        known: KnownAgents,
        policies: Option<Policies>,
        (network, pretends): (Option<Rc<NetworkGate>>, Option<Rc<dyn Upstream>>),
        desk: Option<mpsc::UnboundedSender<Handed>>,
        aborted: Rc<Cell<bool>>,
        way: Option<WayOf>,
    ) -> Rc<Self> {
        let loaders = AllLoaders::new(&project.isolates);
        Rc::new(Self {
            project,
            known,
            policies,
            network,
            pretends,
            desk,
            running: RefCell::default(),
            loaders,
            aborted,
            way,
            processes: OnceCell::new(),
            apart: OnceCell::new(),
            others: OnceCell::new(),
        })
    }

    /// Boots an agent's cell, and keeps it where there are few and memory for it. Fails where it does not start.
    pub(super) async fn start(self: &Rc<Self>, place: usize, agent: &Arc<Agent>) -> Result<(), StartupError> {
        let worker = agent.ready().await?;
        let egress = self.egress(place, agent, &worker);
        let room = PutAside::within(self.project.isolates.limits.memory);
        let callers = Callers::from(vec![Caller::anyone()]);
        let handle = self.handle(agent);
        let cell = worker.boot_again(handle.inbox(), egress, &callers).await?;
        // Of many it is no more than a look at what their scripts do.
        let keeps = self.project.starts_all() && (room.is_some() || self.running.borrow().is_empty());
        drop(room);
        if keeps {
            self.run(place, agent, (handle, callers), Some((worker, cell)));
        } else if let Some(blanks) = self.blanks() {
            blanks.prepare(worker.blank_kind());
        }
        Ok(())
    }

    /// The cell of an agent. Where there is none, one is made, and what comes meanwhile is queued.
    pub(super) fn of(self: &Rc<Self>, place: usize, agent: &Arc<Agent>) -> CellHandle {
        if let Some(running) = self.running.borrow().get(&place) {
            running.used.now();
            return running.handle.clone();
        }
        let callers = Callers::from(vec![Caller::anyone()]);
        self.run(place, agent, (self.handle(agent), callers), None)
    }

    /// The queue of a cell that does not run yet.
    fn handle(&self, agent: &Agent) -> CellHandle {
        agent.worker.handle(if self.project.is_called(agent) { 2 } else { 1 })
    }

    /// Isolates that are ready for agents, where these are many: what few have they keep.
    fn blanks(&self) -> Option<Rc<Blanks>> {
        (!self.project.starts_all()).then(|| self.loaders.blanks())
    }

    /// The links to agents in processes, once there are some.
    pub(super) fn reach(&self, processes: &Rc<ProcessLinks>) {
        let _ = self.processes.set(Rc::downgrade(processes));
    }

    /// Those that work apart are reached so.
    pub(super) fn reach_apart(&self, line: impl Fn(usize) -> Option<Rc<FarLine>> + 'static) {
        let _ = self.apart.set(Box::new(line));
    }

    /// The only agent of this thread works apart, and the others are reached so.
    pub(super) fn reach_others(&self, line: Rc<FarLine>) {
        let _ = self.others.set(line);
    }

    /// An agent of another thread, as one of this calls it.
    fn far(&self, line: Rc<FarLine>, (from, attested): (usize, &Attested), id: &AgentId) -> Callable {
        let route = Route {
            from: self.project.apart.unwrap_or(from),
            caller: attested.clone(),
            id: id.clone(),
        };
        Callable::Far(FarCallee { line, route })
    }

    /// An agent that is in a process.
    fn process(&self, place: usize, agent: &Arc<Agent>) -> Option<ProcessCallee> {
        let links = self.processes.get().filter(|_| agent.isolation == Isolation::Process)?;
        Some(ProcessCallee::new(&links.upgrade()?, (place, agent)))
    }

    /// Another agent calls the one in this place, which has a cell: the caller has a number of its own. Gives how its events name it.
    pub(super) fn joins(&self, place: usize, caller: usize, as_seen: impl FnOnce() -> Caller) -> Option<CallerId> {
        let mut running = self.running.borrow_mut();
        let running = running.get_mut(&place)?;
        let Running { joined, callers, .. } = running;
        Some(*joined.entry(caller).or_insert_with(|| callers.add(as_seen())))
    }

    /// Whether an agent has a cell here.
    pub(super) fn has(&self, place: usize) -> bool {
        self.running.borrow().contains_key(&place)
    }

    /// The isolate of an agent on another thread, where there is none here.
    pub(super) fn elsewhere(&self, place: usize) -> Option<Resident> {
        if self.desk.is_none() || self.has(place) {
            return None;
        }
        self.project.residents.of(place)
    }

    /// Who is told of an agent's events.
    fn tails(self: &Rc<Self>, agent: &Agent) -> Vec<(TailWorker, Option<Neighbour>)> {
        let with_cell = |worker: &TailWorker| -> (TailWorker, Option<Neighbour>) {
            let TailWorker::Agent(name, _) = worker else {
                return (worker.clone(), None);
            };
            let agents = self.project.agents.iter();
            let other = agents
                .enumerate()
                .find(|(_, other)| other.tenant == agent.tenant && other.worker.name == *name);
            let Some((place, other)) = other else {
                return (worker.clone(), None);
            };
            let (cells, other) = (Rc::downgrade(self), Arc::clone(other));
            let neighbour: Neighbour = Box::new(move || {
                let cells = cells.upgrade()?;
                let callable = match cells.process(place, &other) {
                    Some(process) => Callable::Process(process),
                    None => cells.of(place, &other).into(),
                };
                Some((callable, other.worker.account.clone()))
            });
            (worker.clone(), Some(neighbour))
        };
        agent.tails.iter().map(with_cell).collect()
    }

    /// The way out of an agent whose isolates are in a process of their own, and those of what it loads, where it may.
    pub(super) fn gate(
        self: &Rc<Self>,
        (place, agent): (usize, &Agent),
        graph: &Graph,
    ) -> (EgressHandle, Option<LoadedWays>) {
        let gate = self.outbound_gate(place, agent, self.known.attest(place, agent, graph));
        let loads = !agent.worker.loaders.is_empty();
        let ways = loads.then(|| gate.ways(agent.worker.account.clone()));
        (Rc::new(gate), ways)
    }

    fn outbound_gate(self: &Rc<Self>, place: usize, agent: &Agent, attested: Attested) -> OutboundGate {
        OutboundGate {
            network: Arc::clone(&self.project.network),
            agent: Rc::new(attested),
            policies: self.policies.clone(),
            place,
            rules: agent.egress.clone(),
            services: agent.services.iter().cloned().map(Rc::new).collect(),
            callees: Some(Rc::downgrade(self) as Weak<dyn Callees>),
            assets: agent.assets.clone(),
            tails: self.tails(agent),
            timeout: self.project.policy_timeout,
            loader: None,
            loaded: None,
        }
    }

    /// An agent's way out.
    fn egress(self: &Rc<Self>, place: usize, agent: &Agent, worker: &Worker) -> EgressHandle {
        let attested = self.known.attest(place, agent, &worker.graph);
        if let Some(way) = self.way {
            let loads = !worker.loaders.is_empty();
            let loader = loads.then(|| {
                let agent = agent.clone();
                self.loaders.add(Parent {
                    worker: worker.clone(),
                    attested,
                    way: Box::new(move |attested| way(&agent, Some(&attested), None)),
                }) as LoaderHandle
            });
            return way(agent, None, loader);
        }
        let gate = self.outbound_gate(place, agent, attested.clone());
        if worker.loaders.is_empty() {
            return Rc::new(gate);
        }
        let own = self.loaders.add(Parent {
            worker: worker.clone(),
            attested,
            way: gate.ways(worker.account.clone()),
        });
        Rc::new(gate.with_loader(own))
    }

    fn run(
        self: &Rc<Self>,
        place: usize,
        agent: &Arc<Agent>,
        (handle, callers): (CellHandle, Callers),
        booted: Option<(Worker, Isolate)>,
    ) -> CellHandle {
        let kept = self.project.isolates.keep(Some(place));
        let used = kept.used();
        let serving = Rc::clone(self).serve(
            place,
            Arc::clone(agent),
            (handle.clone(), callers.clone(), kept),
            booted,
        );
        let task = spawn(Essential::new(Some(agent.worker.culprit()), &self.aborted, serving));
        let running = Running {
            handle: handle.clone(),
            used,
            callers,
            joined: HashMap::new(),
            task,
        };
        self.running.borrow_mut().insert(place, running);
        if let Some(desk) = &self.desk {
            self.project.residents.add(place, desk);
        }
        handle
    }

    /// Runs an agent's cell until it is put away.
    async fn serve(
        self: Rc<Self>,
        place: usize,
        agent: Arc<Agent>,
        (handle, callers, kept): (CellHandle, Callers, Place),
        booted: Option<(Worker, Isolate)>,
    ) {
        let serving = {
            let (cells, agent, handle) = (Rc::clone(&self), Arc::clone(&agent), handle.clone());
            async move {
                let (worker, cell) = match booted {
                    Some((worker, cell)) => (worker, Some(cell)),
                    None => match agent.ready().await {
                        Ok(worker) => (worker, None),
                        Err(error) => {
                            agent.backoff.failed();
                            let (name, tenant) = (&*agent.worker.name, agent.tenant.as_deref());
                            tracing::error!(target: "worker", worker = agent.worker.label(), agent = name, tenant, "it could not be started: {:?}", miette::Report::new(error));
                            handle.inbox().refuse(Termination::Startup);
                            return;
                        }
                    },
                };
                let policies = cells.policies.clone();
                let surroundings = Surroundings {
                    egress: cells.egress(place, &agent, &worker),
                    garbage: policies.map(|policies| Box::new(move || policies.collect(place)) as Box<dyn Fn()>),
                    whose: Rc::new(|_| None),
                    isolates: Arc::clone(&cells.project.isolates),
                    blanks: cells.blanks(),
                    patience: Patience::None(Arc::clone(&agent.backoff)),
                };
                respawn(worker, surroundings, callers, handle, cell).await;
            }
        };
        let mut serving = pin!(serving);
        let idle = self.project.isolates.limits.idle;
        tokio::select! {
            () = &mut serving => self.take_out(place, &handle),
            () = kept.is_to_leave(&handle, idle) => {
                self.take_out(place, &handle);
                serving.await;
                trim_soon();
                tracing::debug!(target: "worker", worker = agent.worker.label(), "its isolate was put away");
            }
        }
        drop(kept);
        let gone = self.project.agent(place).is_none();
        let caller = CallerId::try_from(place).unwrap_or(CallerId::MAX);
        if let Some(network) = &self.network {
            network.forget(caller);
        }
        if gone {
            self.known.remove(caller);
        }
    }

    /// Nobody finds this cell any longer: what comes from here on is for another.
    fn take_out(&self, place: usize, handle: &CellHandle) {
        let mut running = self.running.borrow_mut();
        if running.get(&place).is_some_and(|running| running.handle.is(handle)) {
            running.remove(&place);
            if self.desk.is_some() {
                self.project.residents.remove(place);
            }
        }
        handle.close();
    }

    /// How many events do something yet.
    pub(super) fn at_work(&self) -> usize {
        let running = self.running.borrow();
        running.values().map(|running| running.handle.at_work()).sum()
    }

    /// Ends everything at once.
    pub(super) fn abort(&self) {
        for (_, running) in self.running.borrow_mut().drain() {
            running.task.abort();
        }
        self.loaders.abort();
    }

    /// Takes no more requests, and waits until the events under way have ended.
    pub(super) async fn drained(&self) {
        let running = std::mem::take(&mut *self.running.borrow_mut());
        for (place, running) in &running {
            if self.desk.is_some() {
                self.project.residents.remove(*place);
            }
            running.handle.close();
        }
        for running in running.into_values() {
            let _ = running.task.await;
        }
        self.loaders.drained().await;
    }
}

impl Callees for AgentCells {
    fn pretended(&self, agent: &str, service: &str) -> Option<CellHandle> {
        let inbox = self.pretends.as_ref()?.service(agent, service)?;
        Some(CellHandle::new(inbox))
    }

    fn callee(self: Rc<Self>, (from, attested): (usize, &Attested), id: &AgentId) -> Option<Callee> {
        let apart = self.project.apart.is_some();
        let is_own = |agent: &Arc<Agent>| agent.id() == *id;
        let place = match self.project.agents.first().filter(|_| apart) {
            Some(own) if is_own(own) => 0,
            Some(own) => {
                let line = Rc::clone(self.others.get()?);
                return Some(Callee {
                    place: usize::MAX,
                    cell: self.far(line, (from, attested), id),
                    caller: 0,
                    account: None,
                    wall: own.worker.effective_limits().wall,
                });
            }
            None => *self.project.places.get(id)?,
        };
        let agent = self.project.agent(place)?;
        let known = |cell| {
            Some(Callee {
                place,
                cell,
                caller: 0,
                account: agent.worker.account.clone(),
                wall: agent.worker.effective_limits().wall,
            })
        };
        if let Some(process) = self.process(place, &agent) {
            return known(Callable::Process(
                process.called_by(from, &context_agent(attested).to_string()),
            ));
        }
        let quarantine = agent.worker.quarantine.as_ref();
        if quarantine.is_some_and(|quarantine| quarantine.is_ejected()) {
            return None;
        }
        if !apart && quarantine.is_some_and(|quarantine| quarantine.is_quarantined()) {
            let line = self.apart.get()?(place)?;
            return known(self.far(line, (from, attested), id));
        }
        if !self.has(place) && agent.backoff.waits() {
            return None;
        }
        let cell = self.of(place, &agent);
        let caller = self.joins(place, from, || Caller::named(context_agent(attested).to_string()))?;
        Some(Callee {
            caller,
            ..known(cell.into())?
        })
    }
}
