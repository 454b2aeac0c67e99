//! Puts a project together.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use super::agent::Agent;
use super::found::{Finder, Found};
use super::front::Front;
use super::isolate_per::IsolatePer;
use super::isolates::{IsolateLimits, Isolates};
use super::isolation::Isolation;
use super::project::Project;
use super::routes::Routes;
use crate::audit::AccessLog;
use crate::boundary::{Processes, Settings};
use crate::egress::{Binding, Network};
use crate::isolate::{BindingName, Worker};
use crate::limits::ClientTimeouts;
use crate::metrics;
use crate::rules::Forwarders;

impl Project {
    /// A project of one untrusted script, every request of which is denied.
    pub fn builder(agent: impl Into<Agent>) -> ProjectBuilder {
        ProjectBuilder {
            agents: vec![agent.into()],
            ..ProjectBuilder::of_none()
        }
    }
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
    front: Front,
    show_errors: bool,
    access_log: Option<Arc<AccessLog>>,
    metrics_agents: usize,
    isolates: IsolateLimits,
    finder: Option<Box<dyn Finder>>,
    processes: Option<Settings>,
    policy_processes: Option<Settings>,
    heads: usize,
}

impl ProjectBuilder {
    fn of_none() -> Self {
        Self {
            agents: Vec::new(),
            outbound: None,
            isolate_per: IsolatePer::default(),
            policy_timeout: Duration::from_secs(30),
            network: Network::default(),
            client_timeouts: ClientTimeouts::default(),
            match_header: None,
            forwarders: Forwarders::default(),
            front: Front::default(),
            show_errors: false,
            access_log: None,
            metrics_agents: metrics::AGENTS,
            isolates: IsolateLimits::default(),
            finder: None,
            processes: None,
            policy_processes: None,
            heads: 0,
        }
    }

    /// A project of agents that are found when they are asked for, and of those that are added.
    pub(crate) fn of_folder(finder: Box<dyn Finder>) -> Self {
        Self {
            finder: Some(finder),
            ..Self::of_none()
        }
    }

    /// A project of the agents that are added, or of a policy, in a process that serves nobody else. Messages may have so many bytes of headers.
    pub(super) fn of_a_process(heads: usize) -> Self {
        Self {
            heads,
            ..Self::of_none()
        }
    }

    /// How the processes are of agents that have one.
    #[must_use]
    pub fn processes(mut self, settings: Settings) -> Self {
        self.processes = Some(settings);
        self
    }

    /// How the processes of the policy are. Without it the policy is in isolates of this one.
    #[must_use]
    pub fn policy_processes(mut self, settings: Option<Settings>) -> Self {
        self.policy_processes = settings;
        self
    }

    /// When isolates are made and put away. Without it each agent's is made before anything is served, on each thread.
    #[must_use]
    pub fn isolates(mut self, limits: IsolateLimits) -> Self {
        self.isolates = limits;
        self
    }

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

    /// How `serve` takes clients' connections, and what agents are told of them.
    #[must_use]
    pub fn front(mut self, front: Front) -> Self {
        self.front = front;
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
            agent.prepare(crowded, self.metrics_agents);
        }
        let places = self.agents.iter().enumerate().map(|(place, agent)| (agent.id(), place));
        let places = places.collect();
        let heads = self.agents.iter().map(|agent| agent.worker.limits.headers);
        let isolates = Isolates::new(self.isolates);
        let finds = self.finder.as_ref().map(|finder| finder.isolation());
        let found = self
            .finder
            .map(|finder| Found::new(finder, self.agents.len(), self.metrics_agents, &isolates));
        let heads = heads.chain(found.iter().map(Found::headers)).chain([self.heads]).max();
        let mut isolations = self.agents.iter().map(|agent| agent.isolation).chain(finds);
        let confined = isolations.any(|isolation| isolation == Isolation::Process);
        let processes = self.processes.filter(|_| confined).map(Processes::new);
        let has_policy = self.outbound.is_some();
        let policy_processes = self.policy_processes.filter(|_| has_policy).map(Processes::new);
        Project {
            routes: Arc::new(Routes::new(self.agents.iter(), self.match_header)),
            places: Arc::new(places),
            largest_head: heads.unwrap_or_default(),
            isolates,
            found: found.map(Arc::new),
            residents: Arc::default(),
            started: Arc::default(),
            minutes: Arc::default(),
            agents: self.agents.into_iter().map(Arc::new).collect(),
            forwarders: Arc::new(self.forwarders),
            front: Arc::new(self.front),
            outbound: self.outbound,
            isolate_per: self.isolate_per,
            policy_timeout: self.policy_timeout,
            network: Arc::new(self.network),
            client_timeouts: self.client_timeouts,
            show_errors: self.show_errors,
            access_log: self.access_log,
            feed: None,
            processes,
            policy_processes,
            apart: None,
        }
    }
}
