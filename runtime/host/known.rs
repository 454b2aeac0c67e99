//! What the host attests of the agents whose code has run on one thread.

use serde_json::{Map, Value, json};
use workerd_lite_ops::CallerId;

use super::agent::Agent;
use super::grant::Grant;
use crate::egress::Agents;
use crate::identity::Attested;
use crate::isolate::modules::Graph;
use crate::isolate::{Caller, Door};

/// Those of one thread, by their places in the project.
#[derive(Clone, Default)]
pub(super) struct KnownAgents(Agents);

impl KnownAgents {
    /// The same, as the network sees them.
    pub(super) fn agents(&self) -> Agents {
        self.0.clone()
    }

    /// Attests an agent, with the code that its worker has. It stays the same for as long as the thread serves the project.
    pub(super) fn attest(&self, place: usize, agent: &Agent, graph: &Graph) -> Attested {
        let caller = CallerId::try_from(place).unwrap_or(CallerId::MAX);
        if let Some(known) = self.0.get(caller) {
            return known.agent.clone();
        }
        let attested = attested(agent, graph.sha256());
        let limits = agent.worker.effective_limits();
        let (connections, sockets) = (limits.connections, limits.sockets);
        self.0.add(caller, attested, connections, sockets).agent.clone()
    }

    /// An agent as the policy sees it, once its code is known.
    pub(super) fn caller(&self, place: usize, agent: &Agent) -> Option<Caller> {
        let attested = self.attest(place, agent, agent.graph()?);
        Some(Caller {
            agent: Some(context_agent(&attested).to_string()),
            props: Value::Object(agent.props.clone()).to_string(),
            parameters: (!agent.parameters.is_empty()).then(|| Value::Object(agent.parameters.clone()).to_string()),
            entrypoint: agent.entrypoint.clone(),
            doors: agent
                .services
                .iter()
                .filter(|grant| grant.is_to_policy())
                .map(door)
                .collect(),
        })
    }

    /// An agent is gone for good.
    pub(super) fn remove(&self, caller: CallerId) {
        self.0.remove(caller);
    }
}

fn door(grant: &Grant) -> Door {
    Door {
        entrypoint: grant.entrypoint.clone(),
        props: Value::Object(grant.props.clone()).to_string(),
    }
}

/// What the host says of an agent, with an isolate that is about to be made.
pub(super) fn attested(agent: &Agent, code_sha256: &str) -> Attested {
    Attested {
        name: agent.worker.name.clone(),
        tenant: agent.tenant.clone(),
        instance: uuid::Uuid::new_v4().simple().to_string(),
        code_sha256: code_sha256.to_owned(),
        parent: None,
    }
}

/// `ctx.agent`: who the host says is calling.
pub(super) fn context_agent(attested: &Attested) -> Value {
    let mut agent = Map::new();
    agent.insert("name".into(), json!(attested.name));
    if let Some(tenant) = &attested.tenant {
        agent.insert("tenant".into(), json!(tenant));
    }
    agent.insert("instance".into(), json!(attested.instance));
    agent.insert("codeSha256".into(), json!(attested.code_sha256));
    if let Some(parent) = &attested.parent {
        agent.insert("parent".into(), json!(parent));
    }
    Value::Object(agent)
}
