//! What runs: an agent, its owner's policy and the network behind it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::egress::Network;
use crate::egress::tls::Identity;
use crate::isolate::Worker;

/// What one server runs, ready to be started on any number of threads. [`Project::builder`] makes one.
#[derive(Debug, Clone)]
pub struct Project {
    pub(super) agent: Worker,
    pub(super) outbound: Option<Worker>,
    pub(super) props: Value,
    pub(super) policy_timeout: Duration,
    pub(super) network: Arc<Network>,
    pub(super) show_errors: bool,
}

impl Project {
    /// A project of one untrusted script, every request of which is denied.
    pub fn builder(agent: Worker) -> ProjectBuilder {
        ProjectBuilder {
            agent,
            outbound: None,
            props: Map::new(),
            policy_timeout: Duration::from_secs(30),
            network: Network::default(),
            show_errors: false,
        }
    }

    /// The agent's name.
    pub fn agent_name(&self) -> &str {
        &self.agent.name
    }

    /// Whether the agent's requests have a policy to pass.
    pub fn has_outbound(&self) -> bool {
        self.outbound.is_some()
    }
}

/// Puts a [`Project`] together.
#[derive(Debug)]
pub struct ProjectBuilder {
    agent: Worker,
    outbound: Option<Worker>,
    props: Map<String, Value>,
    policy_timeout: Duration,
    network: Network,
    show_errors: bool,
}

impl ProjectBuilder {
    /// The owner's policy, which each request of the agent passes.
    #[must_use]
    pub fn outbound(mut self, outbound: Worker) -> Self {
        self.outbound = Some(outbound);
        self
    }

    /// What the policy reads as `ctx.props`.
    #[must_use]
    pub fn props(mut self, props: Map<String, Value>) -> Self {
        self.props = props;
        self
    }

    /// Binds a client certificate to `env.<binding>` of the policy.
    #[must_use]
    pub fn certificate(mut self, binding: impl Into<String>, identity: Identity) -> Self {
        if let Some(outbound) = &mut self.outbound {
            outbound.bindings.push(binding.into());
            self.network.bindings.push(identity);
        }
        self
    }

    /// Address rules, roots and timeouts. Without it: public addresses and the system's roots. Certificates that were
    /// bound before stay bound.
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

    /// Lets clients read why a handler failed.
    #[must_use]
    pub fn show_errors(mut self, show: bool) -> Self {
        self.show_errors = show;
        self
    }

    /// The project.
    pub fn build(self) -> Project {
        Project {
            agent: self.agent,
            outbound: self.outbound,
            props: self.props.into(),
            policy_timeout: self.policy_timeout,
            network: Arc::new(self.network),
            show_errors: self.show_errors,
        }
    }
}
