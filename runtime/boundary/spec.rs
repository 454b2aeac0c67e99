//! What a process is told of the agents that it is for, or of the policy: their code, and what their scripts see. Nothing of the policy's is
//! in what agents' processes are told; what a policy's is told has the secrets that its script may read, and no other.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use workerd_lite_ops::Role;

use crate::isolate::modules::ShippedGraph;
use crate::isolate::{BindingName, Caller, CodeGeneration, Worker};
use crate::limits::Limits;

/// All that a process is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// Its agents. Requests name them by their places.
    pub(crate) agents: Vec<AgentSpec>,
    /// How many threads run them at most.
    pub(crate) threads: usize,
    /// Bytes of headers that any message may have.
    pub(crate) headers: usize,
    /// Callers with whom the policy is to start before the process is ready; none where that was so before.
    pub(crate) checks: Option<Vec<Caller>>,
    /// How long an isolate without events is kept.
    pub(crate) idle: Duration,
    /// Whether somebody reads what is only for who looks for a fault.
    pub(crate) debug: bool,
}

impl Spec {
    /// Whether it is the policy that it is for.
    pub(crate) fn is_policys(&self) -> bool {
        self.agents.iter().any(|agent| agent.policy)
    }
}

/// One agent, or the policy.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AgentSpec {
    name: String,
    policy: bool,
    pub(crate) tenant: Option<String>,
    /// Whether anybody is told of its events.
    pub(crate) tailed: bool,
    /// Whether other agents call it; of a policy, whether several agents share it.
    pub(crate) called: bool,
    vars: Map<String, Value>,
    fills_environment: bool,
    /// Its bindings, which a policy has.
    bindings: Vec<BindingName>,
    /// Names of its services, by which it calls them.
    services: Vec<String>,
    /// Names of what it loads workers by.
    loaders: Vec<String>,
    differences: Vec<String>,
    limits: Limits,
    code_generation: CodeGeneration,
    graph: ShippedGraph,
}

impl AgentSpec {
    /// Of a worker whose modules have been read.
    pub(crate) fn of(worker: &Worker, tenant: Option<&str>, (tailed, called): (bool, bool)) -> Self {
        Self {
            name: worker.name.clone(),
            policy: worker.role == Role::Outbound,
            tenant: tenant.map(ToOwned::to_owned),
            tailed,
            called,
            vars: worker.vars.clone(),
            fills_environment: worker.fills_environment,
            bindings: worker.bindings.clone(),
            services: worker.services.clone(),
            loaders: worker.loaders.clone(),
            differences: worker.differences.clone(),
            limits: worker.effective_limits(),
            code_generation: worker.code_generation,
            graph: (&*worker.graph).into(),
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The worker. Fails where its modules are none.
    pub(crate) fn open(self) -> Result<Worker, String> {
        let role = if self.policy { Role::Outbound } else { Role::Agent };
        Ok(Worker {
            vars: self.vars,
            bindings: self.bindings,
            fills_environment: self.fills_environment,
            services: self.services,
            loaders: self.loaders,
            differences: self.differences,
            limits: self.limits,
            code_generation: self.code_generation,
            ..Worker::of(self.name, role, Arc::new(self.graph.open()?))
        })
    }
}
