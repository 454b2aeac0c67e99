//! What runs: agents, their owner's policy and the network behind it.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use serde_json::{Map, Value, json};
use workerd_lite_ops::Termination;
use workerd_lite_ops::account::{Account, AgentId};

use super::agent::Agent;
use super::live_console::console;
use super::policy_cells::IsolatePer;
use super::routes::Routes;
use crate::audit::{AccessLog, Auditor, Feed};
use crate::egress::{Binding, Network};
use crate::identity::Attested;
use crate::isolate::modules::Graph;
use crate::isolate::{BindingName, Caller, Worker};
use crate::limits::{ClientTimeouts, Quarantine};
use crate::metrics;
use crate::rules::Forwarders;

/// What one server runs, ready to be started on any number of threads. [`Project::builder`] makes one.
#[derive(Debug, Clone)]
pub struct Project {
    pub(super) agents: Vec<Agent>,
    pub(super) routes: Arc<Routes>,
    pub(super) forwarders: Arc<Forwarders>,
    pub(super) outbound: Option<Worker>,
    pub(super) isolate_per: IsolatePer,
    pub(super) policy_timeout: Duration,
    pub(super) network: Arc<Network>,
    pub(super) client_timeouts: ClientTimeouts,
    pub(super) show_errors: bool,
    /// Where each client's request is told of.
    pub(super) access_log: Option<Arc<AccessLog>>,
    /// Who looks on.
    pub(super) feed: Option<Arc<Feed>>,
}

impl Project {
    /// A project of one untrusted script, every request of which is denied.
    pub fn builder(agent: impl Into<Agent>) -> ProjectBuilder {
        ProjectBuilder {
            agents: vec![agent.into()],
            outbound: None,
            isolate_per: IsolatePer::default(),
            policy_timeout: Duration::from_secs(30),
            network: Network::default(),
            client_timeouts: ClientTimeouts::default(),
            match_header: None,
            forwarders: Forwarders::default(),
            show_errors: false,
            access_log: None,
            metrics_agents: metrics::AGENTS,
        }
    }

    /// The agents' names.
    pub fn agent_names(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().map(|agent| agent.worker.name.as_str())
    }

    /// An agent's place by its name, or by `tenant/name` where tenants share a name. The first one without a name.
    pub(crate) fn find_agent(&self, name: Option<&str>) -> Option<usize> {
        let Some(name) = name else { return Some(0) };
        self.agents.iter().position(|agent| {
            let full = agent
                .tenant
                .as_ref()
                .map(|tenant| format!("{tenant}/{}", agent.worker.name));
            agent.worker.name == name || full.as_deref() == Some(name)
        })
    }

    /// What the policy's `env` holds: data, and the names of bindings.
    pub(crate) fn outbound_env(&self) -> Option<(&Map<String, Value>, impl Iterator<Item = &str>)> {
        let worker = self.outbound.as_ref()?;
        Some((
            &worker.vars,
            worker.bindings.iter().map(|binding| binding.name.as_str()),
        ))
    }

    /// What each agent's `env` holds, by its name.
    pub(crate) fn agent_envs(&self) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        self.agents
            .iter()
            .map(|agent| (agent.worker.name.as_str(), &agent.worker.vars))
    }

    /// The project with other values in an agent's `env`, or in the policy's.
    pub(crate) fn with_env(&mut self, agent: Option<usize>, values: Map<String, Value>) {
        let worker = match agent {
            Some(agent) => self.agents.get_mut(agent).map(|agent| &mut agent.worker),
            None => self.outbound.as_mut(),
        };
        if let Some(worker) = worker {
            worker.vars.extend(values);
        }
    }

    /// The workers of agents, then the policy's.
    pub(crate) fn workers_mut(&mut self) -> impl Iterator<Item = &mut Worker> {
        let agents = self.agents.iter_mut().map(|agent| &mut agent.worker);
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
    }

    /// How an agent stands.
    fn quarantines(&self, id: &AgentId) -> impl Iterator<Item = &Quarantine> {
        let same = self.agents.iter().filter(move |agent| agent.is(id));
        same.filter_map(|agent| agent.worker.quarantine.as_deref())
    }

    /// Lets an agent work apart from the others, or not at all for a while.
    pub(crate) fn quarantine(&self, agent: &AgentId, ejected: Option<Duration>) {
        for quarantine in self.quarantines(agent) {
            match ejected {
                Some(time) => quarantine.eject(time),
                None => quarantine.record_stop(),
            }
        }
    }

    /// Lets an agent work apart from the others, for longer: a thread did not come back from it.
    pub(crate) fn hung(&self, agent: &AgentId) {
        self.quarantines(agent).for_each(Quarantine::record_hang);
    }

    /// Whether it is this agent that is in this place.
    pub(crate) fn is(&self, place: usize, id: &AgentId) -> bool {
        self.agents.get(place).is_some_and(|agent| agent.is(id))
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

    /// The project with one of its agents only, which answers whatever it is asked.
    pub(super) fn only(&self, agent: usize) -> Self {
        let mut project = self.clone();
        project.agents = self.agents.get(agent).cloned().into_iter().collect();
        for agent in &mut project.agents {
            agent.matches.clear();
        }
        project.routes = Arc::new(Routes::new(&project.agents, None));
        project
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

    /// What the host says of each agent, with isolates that are about to be made.
    pub(super) fn attest(&self) -> Vec<Attested> {
        self.agents
            .iter()
            .map(|agent| Attested {
                name: agent.worker.name.clone(),
                tenant: agent.tenant.clone(),
                instance: uuid::Uuid::new_v4().simple().to_string(),
                code_sha256: agent.worker.graph.sha256().to_owned(),
            })
            .collect()
    }

    /// How many connections to upstreams each agent may have.
    pub(super) fn connections(&self) -> Vec<usize> {
        self.agents
            .iter()
            .map(|agent| agent.worker.effective_limits().connections)
            .collect()
    }

    /// The agents as the policy sees them.
    pub(super) fn callers(&self, attested: &[Attested]) -> Vec<Caller> {
        self.agents
            .iter()
            .zip(attested)
            .map(|(agent, attested)| Caller {
                agent: Some(context_agent(attested).to_string()),
                props: Value::Object(agent.props.clone()).to_string(),
                parameters: (!agent.parameters.is_empty()).then(|| Value::Object(agent.parameters.clone()).to_string()),
                entrypoint: agent.entrypoint.clone(),
            })
            .collect()
    }
}

/// `ctx.agent`: who the host says is calling.
fn context_agent(attested: &Attested) -> Value {
    let mut agent = Map::new();
    agent.insert("name".into(), json!(attested.name));
    if let Some(tenant) = &attested.tenant {
        agent.insert("tenant".into(), json!(tenant));
    }
    agent.insert("instance".into(), json!(attested.instance));
    agent.insert("codeSha256".into(), json!(attested.code_sha256));
    Value::Object(agent)
}

/// Puts a [`Project`] together.
#[derive(Debug)]
pub struct ProjectBuilder {
    agents: Vec<Agent>,
    outbound: Option<Worker>,
    isolate_per: IsolatePer,
    policy_timeout: Duration,
    network: Network,
    client_timeouts: ClientTimeouts,
    match_header: Option<HeaderName>,
    forwarders: Forwarders,
    show_errors: bool,
    access_log: Option<Arc<AccessLog>>,
    metrics_agents: usize,
}

impl ProjectBuilder {
    /// One agent more. Requests find it by its patterns, the most specific of which decides.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<Agent>) -> Self {
        self.agents.push(agent.into());
        self
    }

    /// The owner's policy, which each request of an agent passes.
    #[must_use]
    pub fn outbound(mut self, outbound: Worker) -> Self {
        self.outbound = Some(outbound);
        self
    }

    /// Who shares an isolate of the policy; the agents of a tenant without it.
    #[must_use]
    pub fn isolate_per(mut self, per: IsolatePer) -> Self {
        self.isolate_per = per;
        self
    }

    /// Gives the policy `env.<name>`, with `fetch()` through a certificate or a credential. Without a policy it does
    /// nothing.
    #[must_use]
    pub fn binding(mut self, name: impl Into<String>, binding: Binding) -> Self {
        if let Some(outbound) = &mut self.outbound {
            outbound.bindings.push(BindingName {
                name: name.into(),
                credential: binding.credential.is_some(),
            });
            self.network.bindings.push(binding);
        }
        self
    }

    /// Address rules, roots, timeouts and the rules of what the policy may reach. Without it: public addresses and the
    /// system's roots. What was bound before stays bound.
    #[must_use]
    pub fn network(mut self, mut network: Network) -> Self {
        network.bindings.splice(0..0, self.network.bindings);
        self.network = network;
        self
    }

    /// How long the policy may take until it gives a response's head.
    #[must_use]
    pub fn policy_timeout(mut self, timeout: Duration) -> Self {
        self.policy_timeout = timeout;
        self
    }

    /// What clients may take their time for.
    #[must_use]
    pub fn client_timeouts(mut self, timeouts: ClientTimeouts) -> Self {
        self.client_timeouts = timeouts;
        self
    }

    /// The header by which a request may name its agent, or its tenant and agent as `tenant/name`, whatever it is else about.
    #[must_use]
    pub fn match_header(mut self, header: Option<HeaderName>) -> Self {
        self.match_header = header;
        self
    }

    /// The proxies whose word on client, scheme and host `serve` believes.
    #[must_use]
    pub fn forwarders(mut self, forwarders: Forwarders) -> Self {
        self.forwarders = forwarders;
        self
    }

    /// Lets clients read why a handler failed.
    #[must_use]
    pub fn show_errors(mut self, show: bool) -> Self {
        self.show_errors = show;
        self
    }

    /// Where each client's request is told of, when it is served over HTTP.
    #[must_use]
    pub(crate) fn access_log(mut self, log: Option<Arc<AccessLog>>) -> Self {
        self.access_log = log;
        self
    }

    /// How many agents have metrics of their own.
    #[must_use]
    pub fn metrics_agents(mut self, most: usize) -> Self {
        self.metrics_agents = most;
        self
    }

    /// The project.
    pub fn build(mut self) -> Project {
        let crowded = self.agents.len() > 1;
        for agent in &mut self.agents {
            let quarantine = Arc::new(Quarantine::new(crowded));
            let id = agent.id();
            let observer = {
                let quarantine = Arc::clone(&quarantine);
                move |time| quarantine.record_host(time)
            };
            let account = Account::new(id, agent.worker.limits.buffers, Some(Box::new(observer)));
            metrics::shows(&account, self.metrics_agents);
            agent.worker.quarantine = Some(quarantine);
            agent.worker.account = Some(account);
        }
        Project {
            routes: Arc::new(Routes::new(&self.agents, self.match_header)),
            agents: self.agents,
            forwarders: Arc::new(self.forwarders),
            outbound: self.outbound,
            isolate_per: self.isolate_per,
            policy_timeout: self.policy_timeout,
            network: Arc::new(self.network),
            client_timeouts: self.client_timeouts,
            show_errors: self.show_errors,
            access_log: self.access_log,
            feed: None,
        }
    }
}
