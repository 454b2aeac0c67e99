//! One agent of a project, as its owner configured it.

use serde_json::{Map, Value};
use workerd_lite_ops::account::AgentId;

use crate::isolate::Worker;
use crate::rules::{RoutePattern, Rules};

/// An untrusted script with all that its owner says of it.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The script.
    pub worker: Worker,
    /// For whom it works.
    pub tenant: Option<String>,
    /// The requests that it answers, by host and path. None means all that no other agent answers.
    pub matches: Vec<RoutePattern>,
    /// The policy's export that judges it; the default one without.
    pub entrypoint: Option<String>,
    /// What the policy reads as `ctx.props`.
    pub props: Map<String, Value>,
    /// What joins the policy's `env`.
    pub parameters: Map<String, Value>,
    /// What it may ask for, judged before the policy. Without a list the policy decides alone.
    pub egress: Option<Rules>,
}

impl From<Worker> for Agent {
    fn from(worker: Worker) -> Self {
        Self {
            worker,
            tenant: None,
            matches: Vec::new(),
            entrypoint: None,
            props: Map::new(),
            parameters: Map::new(),
            egress: None,
        }
    }
}

impl Agent {
    /// Who it is.
    pub(super) fn id(&self) -> AgentId {
        AgentId::new(self.tenant.as_deref(), &self.worker.name)
    }

    /// Whether it is this one.
    pub(super) fn is(&self, id: &AgentId) -> bool {
        self.tenant.as_deref() == id.tenant.as_deref() && self.worker.name == *id.name
    }
}
