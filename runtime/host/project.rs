//! What runs: agents, their owner's policy and the network behind it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::Duration;

use deno_core::url::Url;
use http::HeaderMap;
use serde_json::{Map, Value, json};
use workerd_lite_ops::Termination;
use workerd_lite_ops::account::{Account, AgentId};

use super::agent::Agent;
use super::found::Found;
use super::front::Front;
use super::grant::Offers;
use super::isolate_per::IsolatePer;
use super::isolates::{IsolateLimits, Isolates};
use super::isolation::Isolation;
use super::live_console::console;
use super::minutes::Minutes;
use super::residents::Residents;
use super::routes::Routes;
use crate::audit::{AccessLog, Auditor, Feed};
use crate::boundary::Processes;
use crate::egress::Network;
use crate::isolate::Worker;
use crate::isolate::modules::Graph;
use crate::limits::{ClientTimeouts, Quarantine};
use crate::metrics;
use crate::rules::Forwarders;

/// So many agents are started before anything is served: all, or a sample of many.
const FEW: usize = 16;

/// What one server runs, ready to be started on any number of threads. [`Project::builder`] makes one.
#[derive(Debug, Clone)]
pub struct Project {
    pub(super) agents: Vec<Arc<Agent>>,
    /// Their places, by who they are.
    pub(super) places: Arc<HashMap<AgentId, usize>>,
    /// Those of a folder, behind them.
    pub(super) found: Option<Arc<Found>>,
    pub(super) isolates: Arc<Isolates>,
    /// Which thread has which agents' isolates.
    pub(super) residents: Arc<Residents>,
    /// How many agents have been started before anything is served.
    pub(super) started: Arc<AtomicUsize>,
    /// The minutes whose triggers were called.
    pub(super) minutes: Arc<Minutes>,
    pub(super) routes: Arc<Routes>,
    pub(super) forwarders: Arc<Forwarders>,
    pub(super) front: Arc<Front>,
    pub(super) outbound: Option<Worker>,
    pub(super) isolate_per: IsolatePer,
    pub(super) policy_timeout: Duration,
    pub(super) network: Arc<Network>,
    pub(super) client_timeouts: ClientTimeouts,
    pub(super) largest_head: usize,
    pub(super) show_errors: bool,
    /// Where each client's request is told of.
    pub(super) access_log: Option<Arc<AccessLog>>,
    /// Who looks on.
    pub(super) feed: Option<Arc<Feed>>,
    /// The processes of its agents, where any has one.
    pub(super) processes: Option<Arc<Processes>>,
    /// Those of its policy, where that has some.
    pub(super) policy_processes: Option<Arc<Processes>>,
    /// The place that its only agent has among the others, from which it works apart.
    pub(super) apart: Option<usize>,
}

impl Project {
    /// Whether a debugger may stop its threads.
    pub(crate) fn is_debugged(&self) -> bool {
        self.agents.iter().any(|agent| agent.worker.inspection.is_some())
    }

    /// The agents' names.
    pub fn agent_names(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().map(|agent| agent.worker.name.as_str())
    }

    /// Whether clients' connections are taken over TLS, where they come over a network.
    pub(crate) fn speaks_tls(&self) -> bool {
        self.front.tls.is_some()
    }

    /// An agent's place by its name, or by `tenant/name` where tenants share a name. The first one without a name.
    pub(crate) fn find_agent(&self, name: Option<&str>) -> Option<usize> {
        let Some(name) = name else {
            return self.agents.first().map(|_| 0).or_else(|| {
                let first = self.folder_agents().into_iter().next()?;
                Some(self.found.as_ref()?.named(&first)?.0)
            });
        };
        let listed = self.agents.iter().position(|agent| {
            let full = agent
                .tenant
                .as_ref()
                .map(|tenant| format!("{tenant}/{}", agent.worker.name));
            agent.worker.name == name || full.as_deref() == Some(name)
        });
        listed.or_else(|| Some(self.found.as_ref()?.named(name)?.0))
    }

    /// All agents of a folder that are there now, as `name` or `tenant/name`.
    pub(crate) fn folder_agents(&self) -> Vec<String> {
        self.found.as_ref().map_or_else(Vec::new, |found| found.all())
    }

    /// The agent in a place, where it is not gone.
    pub(super) fn agent(&self, place: usize) -> Option<Arc<Agent>> {
        match self.agents.get(place) {
            Some(agent) => Some(Arc::clone(agent)),
            None => self.found.as_ref()?.agent(place),
        }
    }

    /// Whether an agent has a service of this name; any agent where none is named.
    pub(crate) fn has_service(&self, agent: Option<&str>, service: &str) -> bool {
        let mut named = self
            .agents
            .iter()
            .filter(|each| agent.is_none_or(|name| each.worker.name == name));
        named.any(|agent| agent.services.iter().any(|grant| grant.binding == service))
    }

    /// Whether other agents may call this one.
    pub(super) fn is_called(&self, agent: &Agent) -> bool {
        if agent.is_called {
            return true;
        }
        let id = agent.id();
        let mut services = self.agents.iter().flat_map(|agent| &agent.services);
        services.any(|grant| matches!(&grant.offers, Offers::Agent(called) if *called == id))
    }

    /// The agent that a request is for, with its place. `sent` is the path as it was sent. Fails where there is one whose settings can not be
    /// read, or not in time.
    pub(super) async fn route(
        &self,
        url: &Url,
        sent: &str,
        headers: &HeaderMap,
    ) -> Result<Option<(usize, Arc<Agent>)>, Termination> {
        if let Some(place) = self.routes.find(url, sent, headers) {
            return Ok(self.agent(place).map(|agent| (place, agent)));
        }
        let Some(found) = &self.found else { return Ok(None) };
        match self.routes.name(headers) {
            Some(Ok(name)) => found.asked_by_name(&name).await,
            Some(Err(_)) => Ok(None),
            None if self.routes.knows(url) => Ok(None),
            None => found.asked_by_host(url).await,
        }
    }

    /// Whether there are so few agents that all of them are started before anything is served, on each thread.
    pub(super) fn starts_all(&self) -> bool {
        self.found.is_none() && self.agents.len() <= FEW
    }

    /// The next agent to be started before anything is served, for whichever thread asks: all of them where their owner wants it,
    /// else some.
    pub(super) fn next_to_start(&self) -> Option<(usize, &Arc<Agent>)> {
        let all = self.agents.len();
        let (count, step) = if self.isolates.limits.eager {
            (all, 1)
        } else {
            (all.min(FEW), all.div_ceil(FEW).max(1))
        };
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let place = number.checked_mul(step)?;
        (number < count).then_some(())?;
        Some((place, self.agents.get(place)?))
    }

    /// The next agent of a folder to be started before anything is served, where its owner wants all to be.
    pub(super) fn next_found(&self) -> Option<(usize, Arc<Agent>)> {
        let found = self.found.as_ref().filter(|_| self.isolates.limits.eager)?;
        found.next()
    }

    /// The names of a folder's agents that have been asked for.
    pub(crate) fn found_names(&self) -> Vec<String> {
        self.found.as_ref().map_or_else(Vec::new, |found| found.names())
    }

    /// How an agent stands with the others.
    pub(super) fn quarantine_of(&self, id: &AgentId) -> Option<Arc<Quarantine>> {
        let listed = self.places.get(id).and_then(|place| self.agents.get(*place));
        match (listed, &self.found) {
            (Some(agent), _) => agent.worker.quarantine.clone(),
            (None, Some(found)) => found.known(id)?.worker.quarantine.clone(),
            (None, None) => None,
        }
    }

    /// The most bytes of headers that any agent takes.
    pub(super) fn largest_head(&self) -> usize {
        self.largest_head
    }

    /// The policy, where there is one.
    pub(crate) fn outbound(&self) -> Option<&Worker> {
        self.outbound.as_ref()
    }

    /// The agents that are listed.
    pub(crate) fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter().map(|agent| &**agent)
    }

    /// The project with other values in an agent's `env`, or in the policy's.
    pub(crate) fn with_env(&mut self, agent: Option<usize>, values: Map<String, Value>) {
        let worker = match agent {
            Some(agent) => self.agents.get_mut(agent).map(|agent| &mut Arc::make_mut(agent).worker),
            None => self.outbound.as_mut(),
        };
        if let Some(worker) = worker {
            worker.vars.extend(values);
        }
    }

    /// The workers of agents, then the policy's.
    pub(crate) fn workers_mut(&mut self) -> impl Iterator<Item = &mut Worker> {
        let agents = self.agents.iter_mut().map(|agent| &mut Arc::make_mut(agent).worker);
        agents.chain(self.outbound.as_mut())
    }

    /// The project with its records kept for a test.
    pub(crate) fn recorded(&mut self, auditor: Auditor) {
        let mut network = (*self.network).clone();
        network.audit = Some(Arc::new(auditor));
        self.network = Arc::new(network);
    }

    /// The project with what happens shown to who looks on.
    pub(crate) fn shown(&mut self, feed: &Arc<Feed>) {
        let mut network = (*self.network).clone();
        let auditor = network.audit.get_or_insert_with(|| Arc::new(Auditor::nowhere()));
        auditor.show(Arc::clone(feed));
        self.network = Arc::new(network);
        self.feed = Some(Arc::clone(feed));
        for worker in self.workers_mut() {
            worker.console_tap = Some(console(feed));
        }
        if let Some(found) = &self.found {
            found.shown(&console(feed));
        }
    }

    /// Lets an agent work apart from the others, or not at all for a while.
    pub(crate) fn quarantine(&self, agent: &AgentId, ejected: Option<Duration>) {
        if let (None, Some(found)) = (self.places.get(agent), &self.found) {
            return found.quarantine(agent, ejected);
        }
        if let Some(quarantine) = self.quarantine_of(agent) {
            match ejected {
                Some(time) => quarantine.eject(time),
                None => quarantine.record_stop(),
            }
        }
    }

    /// Lets an agent work apart from the others, for longer: a thread did not come back from it.
    pub(crate) fn hung(&self, agent: &AgentId) {
        if let Some(quarantine) = self.quarantine_of(agent) {
            quarantine.record_hang();
        }
    }

    /// A thread does not come back: nothing is handed to it any longer.
    pub(crate) fn forsakes(&self, thread: ThreadId) {
        self.residents.forsake(thread);
    }

    /// Whether it is this agent that is in this place.
    pub(crate) fn is(&self, place: usize, id: &AgentId) -> bool {
        self.agent(place).is_some_and(|agent| agent.is(id))
    }

    /// Records that an event of an agent, whose response was there, went with the process that it was in.
    pub(super) fn lost(&self, agent: usize, why: Termination, request_id: &str) {
        let Some(agent) = self.agent(agent).map(|agent| agent.id()) else {
            return;
        };
        metrics::ended(&agent, why);
        if let Some(audit) = &self.network.audit {
            audit.ended(&agent, why, request_id);
        }
    }

    /// Records that an agent was stopped with the thread that it was on.
    pub(crate) fn blame(&self, agent: &AgentId, why: Termination) {
        metrics::ended(agent, why);
        if let Some(feed) = &self.feed {
            feed.note(json!({
                "kind": "stopped",
                "agent": &*agent.name,
                "tenant": agent.tenant.as_deref(),
                "limit": why.word(),
                "text": why.to_string(),
            }));
        }
        if let Some(audit) = &self.network.audit {
            audit.ended(agent, why, "");
        }
    }

    /// The project with one of its agents only, which answers whatever it is asked. Nothing where that is gone.
    pub(super) fn only(&self, agent: usize) -> Option<Self> {
        let mut only = (*self.agent(agent)?).clone();
        only.matches.clear();
        only.is_called = self.is_called(&only);
        let mut project = self.clone();
        project.routes = Arc::new(Routes::new([&only].into_iter(), None));
        project.agents = vec![Arc::new(only)];
        project.found = None;
        project.apart = Some(agent);
        // It has memory of its own: the others' isolates do not leave for one that disturbs them.
        project.isolates = Isolates::new(IsolateLimits::default());
        project.residents = Arc::default();
        if project.has_policy_processes() {
            // It shares no process of the policy either with those that it disturbs.
            project.isolate_per = IsolatePer::Agent;
        }
        Some(project)
    }

    /// Who pays for a project that has one agent only.
    pub(super) fn first_account(&self) -> Option<Arc<Account>> {
        self.agents.first()?.worker.account.clone()
    }

    /// Whether any agent is in a process of its own.
    pub(crate) fn has_processes(&self) -> bool {
        self.processes.is_some()
    }

    /// The names of the listed agents that are.
    pub(crate) fn in_processes(&self) -> impl Iterator<Item = &str> {
        let agents = self.agents.iter();
        agents
            .filter(|agent| agent.isolation == Isolation::Process)
            .map(|agent| agent.worker.name.as_str())
    }

    /// Whether the policy is.
    pub(crate) fn has_policy_processes(&self) -> bool {
        self.policy_processes.is_some()
    }

    /// Gives processes control groups, where that is wanted and can be. Fails with a sentence where they must have some, and can not.
    pub(crate) fn group_processes(&self) -> Result<(), String> {
        [&self.processes, &self.policy_processes]
            .into_iter()
            .flatten()
            .try_for_each(|processes| processes.group())
    }

    /// Whether there is such an agent.
    pub(super) fn knows(&self, id: &AgentId) -> bool {
        // A project of one agent only has the places of all.
        self.agents.first().is_some_and(|first| first.is(id)) || self.quarantine_of(id).is_some()
    }

    /// Whether the agents' requests have a policy to pass.
    pub fn has_outbound(&self) -> bool {
        self.outbound.is_some()
    }

    /// The policy's modules.
    pub(crate) fn policy_graph(&self) -> Option<&Graph> {
        Some(&*self.outbound.as_ref()?.graph)
    }

    /// Where each client's request is told of.
    pub(crate) fn access_log(&self) -> Option<&Arc<AccessLog>> {
        self.access_log.as_ref()
    }

    /// The network, for what serves its identities.
    pub(crate) fn network(&self) -> &Arc<Network> {
        &self.network
    }
}
