//! One thread's links to processes of agents, or of the policy. Their events begin here, and their requests come back here: those of agents to
//! pass rules, policy and network, those of the policy to pass the owner's rules for it, credentials and network.

mod bridges;
mod called;
mod dials;
mod egress;
mod events;
#[cfg(test)]
mod fuzz;
mod hears;
mod link;
mod policy;
mod room;
mod serving;
mod tails;
mod tokens;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use deno_core::unsync::spawn;
use tokio::sync::OnceCell;
use workerd_lite_ops::egress::EgressHandle;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Request, Response, Termination};

use super::agent::Agent;
use super::agent_cells::AgentCells;
use super::isolation::Isolation;
use super::known::KnownAgents;
use super::project::Project;
use crate::boundary::{AgentSpec, Hears, Key, Processes, Spec, UnderWay};
use crate::isolate::{StartupError, Worker};
pub(super) use called::Callee as ProcessCallee;
use hears::Members;
use link::Link;
use policy::Policy;

/// How often a link is looked at whose thread waits for its events.
const LOOK: std::time::Duration = std::time::Duration::from_millis(20);

/// The links of one thread.
pub(super) struct ProcessLinks {
    project: Project,
    processes: Arc<Processes>,
    whose: Whose,
    links: RefCell<HashMap<Key, Rc<OnceCell<Rc<Link>>>>>,
}

/// Whose the processes are.
enum Whose {
    Agents(Rc<AgentCells>),
    Policy(Policy),
}

impl ProcessLinks {
    /// None where no agent of the project is in a process.
    pub(super) fn new(project: &Project, cells: &Rc<AgentCells>) -> Option<Rc<Self>> {
        let processes = Arc::clone(project.processes.as_ref()?);
        processes.serve();
        Some(Rc::new(Self {
            processes,
            project: project.clone(),
            whose: Whose::Agents(Rc::clone(cells)),
            links: RefCell::default(),
        }))
    }

    /// Those to the policy's processes, which goes out by this way in the names of these agents. Starts the policy once, as
    /// [`super::policy_cells::PolicyCells::start`] does, but in a process.
    pub(super) async fn of_policy(
        project: &Project,
        (processes, worker): (&Arc<Processes>, &Worker),
        egress: EgressHandle,
        known: KnownAgents,
    ) -> Result<Rc<Self>, StartupError> {
        processes.serve();
        let links = Rc::new(Self {
            processes: Arc::clone(processes),
            project: project.clone(),
            whose: Whose::Policy(Policy::new(project, worker, egress, known)),
            links: RefCell::default(),
        });
        let first = links.first_key();
        links.start(&first).await?;
        links.has_started();
        Ok(links)
    }

    /// Whether it is the policy that they lead to.
    fn are_policys(&self) -> bool {
        matches!(self.whose, Whose::Policy(_))
    }

    /// Hands a request to an agent's process. Dropping the future cancels it.
    pub(super) async fn dispatch(
        self: &Rc<Self>,
        (place, agent): (usize, &Arc<Agent>),
        request: Request,
        trace: Rc<Trace>,
    ) -> Result<Response, EventError> {
        let (link, under_way) = self.begin((place, agent)).await?;
        link.dispatch((place, agent), request, (trace, None), under_way).await
    }

    /// The link to the process of an agent, and one more event there.
    async fn begin(self: &Rc<Self>, (place, agent): (usize, &Arc<Agent>)) -> Result<(Rc<Link>, UnderWay), EventError> {
        let key = self.key(place, agent);
        let mut link = self.link(&key, agent).await?;
        let mut under_way = link.child.begin();
        if under_way.is_none() {
            // It was put away meanwhile, or has ended. Another one comes in its place.
            self.forget(&key, &link);
            link = self.link(&key, agent).await?;
            under_way = link.child.begin();
        }
        let under_way = under_way.ok_or(EventError::Shutdown)?;
        Ok((link, under_way))
    }

    /// The same, where that can be had at once.
    fn begin_now(&self, (place, agent): (usize, &Arc<Agent>)) -> Option<(Rc<Link>, UnderWay)> {
        let links = self.links.borrow();
        let link = links.get(&self.key(place, agent))?.get()?;
        let under_way = link.child.begin()?;
        Some((Rc::clone(link), under_way))
    }

    /// The link to a process. Where several ask, one is made.
    async fn link(self: &Rc<Self>, key: &Key, agent: &Arc<Agent>) -> Result<Rc<Link>, EventError> {
        self.start(key).await.map_err(|error| {
            let (name, tenant) = (&*agent.worker.name, agent.tenant.as_deref());
            tracing::error!(target: "worker", worker = agent.worker.label(), agent = name, tenant, "{error}");
            EventError::Terminated(Termination::Startup)
        })
    }

    async fn start(self: &Rc<Self>, key: &Key) -> Result<Rc<Link>, StartupError> {
        let cell = Rc::clone(self.links.borrow_mut().entry(key.clone()).or_default());
        cell.get_or_try_init(|| self.make(key)).await.map(Rc::clone)
    }

    async fn make(self: &Rc<Self>, key: &Key) -> Result<Rc<Link>, StartupError> {
        let members = self.members(key);
        let (child, end) = self.processes.link(key, || self.spec(key, &members)).await?;
        let headers = self.headers(&members);
        let link = match &self.whose {
            Whose::Agents(cells) => {
                let gates = members.iter().map(|(place, agent)| {
                    // The process was started with these modules, and they are read.
                    let graph = agent.graph().map_or(&agent.worker.graph, |graph| graph);
                    cells.gate((*place, agent), graph)
                });
                Link::new(child, &members, gates.collect(), headers)
            }
            Whose::Policy(policy) => Link::new(child, &members, vec![(policy.egress(), None)], headers),
        };
        let (links, key, ended) = (Rc::downgrade(self), key.clone(), Rc::clone(&link));
        spawn(async move {
            serving::serve(Rc::clone(&ended), end).await;
            if !ended.is_aborted() {
                ended.child.has_lost_a_link();
            }
            let lost = ended.take_lost();
            if let Some(links) = links.upgrade() {
                links.forget(&key, &ended);
                if links.are_policys() {
                    // What an agent still read of an answer breaks off, and its own record says so.
                    return;
                }
                let why = ended.end_of_events();
                for (place, event) in lost {
                    links.project.lost(place, why, &event.trace.request_id());
                }
            }
        });
        Ok(link)
    }

    /// For whom the process of an agent is. One that was found is alone in it: others may come and go. So is one that works apart.
    fn key(&self, place: usize, agent: &Agent) -> Key {
        if let Whose::Policy(policy) = &self.whose {
            let found = (place >= self.project.agents.len()).then_some(place);
            return policy.key(&agent.id(), found);
        }
        if let Some(place) = self.project.apart {
            Key::apart(&agent.id(), place)
        } else if place < self.project.agents.len() {
            Key::of(&agent.id())
        } else {
            Key::of_found(&agent.id(), place)
        }
    }

    /// The agents that share a process, with their places, in the order that it counts them.
    fn members(&self, key: &Key) -> Vec<(usize, Arc<Agent>)> {
        if let Whose::Policy(policy) = &self.whose {
            return vec![(0, policy.worker())];
        }
        if let Some(place) = key.found() {
            return self
                .project
                .agent(place)
                .map(|agent| (place, agent))
                .into_iter()
                .collect();
        }
        let agents = self.project.agents.iter().enumerate();
        agents
            .filter(|(place, agent)| agent.isolation == Isolation::Process && self.key(*place, agent) == *key)
            .map(|(place, agent)| (place, Arc::clone(agent)))
            .collect()
    }

    /// Bytes of headers that any message of these may have: a policy reads those of all agents.
    fn headers(&self, members: &[(usize, Arc<Agent>)]) -> usize {
        let all = match &self.whose {
            Whose::Agents(_) => 0,
            Whose::Policy(_) => self.project.largest_head(),
        };
        let own = members.iter().map(|(_, agent)| agent.worker.limits.headers);
        own.fold(all, usize::max)
    }

    async fn spec(&self, key: &Key, members: &[(usize, Arc<Agent>)]) -> Result<(Spec, Arc<dyn Hears>), StartupError> {
        let mut agents = Vec::with_capacity(members.len());
        let policy = match &self.whose {
            Whose::Agents(_) => None,
            Whose::Policy(policy) => Some(policy),
        };
        for (_, agent) in members {
            let worker = agent.ready().await?;
            let called = policy.map_or_else(|| self.project.is_called(agent), |policy| policy.is_shared(key));
            let known = (!agent.tails.is_empty(), called);
            agents.push(AgentSpec::of(&worker, agent.tenant.as_deref(), known));
        }
        let settings = self.processes.settings();
        let spec = Spec {
            agents,
            threads: settings.threads,
            headers: self.headers(members),
            checks: policy.and_then(Policy::checks),
            idle: settings.idle,
            debug: tracing::enabled!(target: "console", tracing::Level::DEBUG),
        };
        let group = policy.map(|_| key.clone());
        Ok((spec, Members::of(&self.project, members, (settings.threads, group))))
    }

    fn forget(&self, key: &Key, link: &Rc<Link>) {
        let mut links = self.links.borrow_mut();
        if links
            .get(key)
            .and_then(|cell| cell.get())
            .is_some_and(|known| Rc::ptr_eq(known, link))
        {
            links.remove(key);
        }
    }

    /// Ends all links at once.
    pub(super) fn abort(&self) {
        for (_, cell) in self.links.borrow_mut().drain() {
            if let Some(link) = cell.get() {
                link.abort();
            }
        }
    }

    /// Waits until the events under way have ended.
    pub(super) async fn drained(&self) {
        let links: Vec<_> = self
            .links
            .borrow()
            .values()
            .filter_map(|cell| cell.get().cloned())
            .collect();
        for link in links {
            while link.is_busy() {
                tokio::time::sleep(LOOK).await;
            }
            link.abort();
            // Whoever still wants one of these agents has it started again.
            link.child.retire();
        }
    }
}
