//! For whom a process is.

use std::sync::Arc;

use workerd_lite_ops::account::AgentId;

/// For whom a process is: a tenant, or an agent that has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    tenant: Option<Arc<str>>,
    agent: Option<Arc<str>>,
}

impl Key {
    pub(crate) fn of(agent: &AgentId) -> Self {
        Self {
            tenant: agent.tenant.as_deref().map(Into::into),
            agent: agent.tenant.is_none().then(|| (*agent.name).into()),
        }
    }

    /// How logs name it.
    pub(super) fn label(&self) -> String {
        match (&self.tenant, &self.agent) {
            (Some(tenant), _) => format!("tenant {tenant}"),
            (None, Some(agent)) => format!("agent {agent}"),
            (None, None) => String::new(),
        }
    }
}
