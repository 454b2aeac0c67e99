//! The policy in processes of its own: one for each group of agents that shares an isolate of it elsewhere. It is told of an agent before the first
//! of that one's events, and goes out in the name of the agent whose event it is: which that is, is known here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::egress::EgressHandle;
use workerd_lite_ops::{EventError, Termination};

use super::link::Link;
use super::{ProcessLinks, Whose};
use crate::boundary::{Joins, Key};
use crate::host::agent::Agent;
use crate::host::isolate_per::IsolatePer;
use crate::host::known::KnownAgents;
use crate::host::policy_cells::nobody;
use crate::host::project::Project;
use crate::isolate::modules::Graph;
use crate::isolate::{Caller, Worker};
use crate::metrics;

/// What its links need to know of it.
pub(super) struct Policy {
    /// Its script, as the only member of a process.
    worker: Arc<Agent>,
    egress: EgressHandle,
    known: KnownAgents,
    per: IsolatePer,
    /// How many agents that are listed each process is for; nothing where others may be found.
    sharing: Option<HashMap<Key, usize>>,
    /// With whom it is to start, until it has.
    checks: RefCell<Option<Vec<Caller>>>,
}

impl Policy {
    pub(super) fn new(project: &Project, worker: &Worker, egress: EgressHandle, known: KnownAgents) -> Self {
        let per = project.isolate_per;
        let mut sharing = HashMap::<Key, usize>::new();
        for agent in &project.agents {
            *sharing.entry(key(per, &agent.id(), None)).or_default() += 1;
        }
        let mut worker = worker.clone();
        for agent in &project.agents {
            // A socket that it hands on has the limits of the agent's end, also where it passes the policy's process.
            let (own, agents) = (&mut worker.limits.sockets, &agent.worker.limits.sockets);
            own.message = own.message.max(agents.message);
            own.idle = own.idle.max(agents.idle);
        }
        Self {
            worker: Arc::new(Agent::from(worker)),
            egress,
            known,
            per,
            sharing: project.found.is_none().then_some(sharing),
            checks: RefCell::new(Some(nobody(project))),
        }
    }

    pub(super) fn worker(&self) -> Arc<Agent> {
        Arc::clone(&self.worker)
    }

    pub(super) fn egress(&self) -> EgressHandle {
        Rc::clone(&self.egress)
    }

    pub(super) fn key(&self, agent: &AgentId, found: Option<usize>) -> Key {
        key(self.per, agent, found)
    }

    /// Whether more than one agent may be judged in a process.
    pub(super) fn is_shared(&self, key: &Key) -> bool {
        match &self.sharing {
            Some(sharing) => sharing.get(key).is_some_and(|agents| *agents > 1),
            None => key.found().is_none(),
        }
    }

    /// With whom it is to start, once.
    pub(super) fn checks(&self) -> Option<Vec<Caller>> {
        self.checks.take()
    }
}

/// For whom the process is in which the policy judges for an agent, which is in this place where it was found.
fn key(per: IsolatePer, agent: &AgentId, found: Option<usize>) -> Key {
    let tenant = agent.tenant.as_deref();
    match (per, tenant) {
        (IsolatePer::Server, _) => Key::of_policy(None, None, None),
        (IsolatePer::Tenant, Some(_)) => Key::of_policy(tenant, None, None),
        (IsolatePer::Tenant, None) | (IsolatePer::Agent, _) => Key::of_policy(tenant, Some(&agent.name), found),
    }
}

impl ProcessLinks {
    /// Of the process that is started first.
    pub(super) fn first_key(&self) -> Key {
        let first = self.project.agents.first().map(|agent| self.key(0, agent));
        first.unwrap_or_else(|| Key::of_policy(None, None, None))
    }

    /// The policy starts: that need not be seen again, by this thread or by others.
    pub(super) fn has_started(&self) {
        if let Whose::Policy(policy) = &self.whose {
            policy.checks.take();
        }
    }

    /// What events of an agent's go to, and its place among what its process has.
    pub(super) fn called(&self, (place, agent): (usize, &Arc<Agent>)) -> (usize, Arc<Agent>) {
        match &self.whose {
            Whose::Agents(_) => (place, Arc::clone(agent)),
            Whose::Policy(policy) => (0, policy.worker()),
        }
    }

    /// Whether several agents are judged where this one is.
    pub(super) fn is_shared(&self, (place, agent): (usize, &Arc<Agent>)) -> bool {
        match &self.whose {
            Whose::Agents(_) => false,
            Whose::Policy(policy) => policy.is_shared(&self.key(place, agent)),
        }
    }

    /// A policy's process is told of an agent whose event is about to begin.
    pub(super) fn join(&self, link: &Link, (place, agent): (usize, &Arc<Agent>)) -> Result<(), EventError> {
        let Whose::Policy(policy) = &self.whose else {
            return Ok(());
        };
        let number = u32::try_from(place).map_err(|_| EventError::Shutdown)?;
        link.join(number, || {
            Some(Joins {
                name: agent.worker.name.clone(),
                tenant: agent.tenant.clone(),
                caller: policy.known.caller(place, agent)?,
            })
        })
    }

    /// An event of the policy's has brought nothing, because this has ended it. Where its isolate was stopped, that was for the agent that it judged for.
    pub(super) fn stopped(&self, agent: &Agent, why: Termination) {
        let Whose::Policy(policy) = &self.whose else { return };
        if !matches!(why, Termination::Cpu | Termination::Memory) {
            return;
        }
        if let Some(quarantine) = &agent.worker.quarantine {
            quarantine.record_stop();
        }
        metrics::replaced(Some(&policy.worker.worker.name), Some(&agent.id()), why);
    }

    /// The agent in a place of the project, where it is not gone.
    pub(in crate::host) fn agent(&self, place: usize) -> Option<Arc<Agent>> {
        self.project.agent(place)
    }

    /// The policy's modules.
    pub(in crate::host) fn policy_graph(&self) -> Option<&Arc<Graph>> {
        match &self.whose {
            Whose::Agents(_) => None,
            Whose::Policy(policy) => Some(&policy.worker.worker.graph),
        }
    }
}
