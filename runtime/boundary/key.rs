//! For whom a process is.

use std::sync::Arc;

use workerd_lite_ops::account::AgentId;

/// For whom a process is: a tenant, or an agent that has none, or one that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    tenant: Option<Arc<str>>,
    agent: Option<Arc<str>>,
    /// Where that is one that was found as it is now: its place, which no other has, nor the same one once it has changed.
    found: Option<usize>,
    /// Where an agent works apart from the others of its tenant: its place.
    apart: Option<usize>,
    /// Whether it is their policy's.
    policys: bool,
}

impl Key {
    pub(crate) fn of(agent: &AgentId) -> Self {
        Self {
            tenant: agent.tenant.as_deref().map(Into::into),
            agent: agent.tenant.is_none().then(|| (*agent.name).into()),
            ..Self::default()
        }
    }

    /// For the policy of all agents, of a tenant's, or of one agent that is in this place where it was found.
    pub(crate) fn of_policy(tenant: Option<&str>, agent: Option<&str>, found: Option<usize>) -> Self {
        Self {
            tenant: tenant.map(Into::into),
            agent: agent.map(Into::into),
            found,
            policys: true,
            ..Self::default()
        }
    }

    /// Whether it is for this agent, too.
    pub(crate) fn covers(&self, agent: &AgentId) -> bool {
        let tenants = self.tenant.as_deref() == agent.tenant.as_deref();
        match &self.agent {
            Some(name) => tenants && **name == *agent.name,
            None => self.tenant.is_none() || tenants,
        }
    }

    /// For an agent alone that was found, in this place.
    pub(crate) fn of_found(agent: &AgentId, place: usize) -> Self {
        Self {
            found: Some(place),
            ..Self::alone(agent)
        }
    }

    /// For an agent in this place that works apart, alone.
    pub(crate) fn apart(agent: &AgentId, place: usize) -> Self {
        Self {
            apart: Some(place),
            ..Self::alone(agent)
        }
    }

    fn alone(agent: &AgentId) -> Self {
        Self {
            tenant: agent.tenant.as_deref().map(Into::into),
            agent: Some((*agent.name).into()),
            ..Self::default()
        }
    }

    /// The place of an agent that was found.
    pub(crate) fn found(&self) -> Option<usize> {
        self.found
    }

    /// How logs name it.
    pub(super) fn label(&self) -> String {
        let whose = self.whose();
        if self.apart.is_some() {
            format!("{whose}, apart")
        } else {
            whose
        }
    }

    fn whose(&self) -> String {
        let whose = match (&self.tenant, &self.agent) {
            (Some(tenant), Some(agent)) => format!("agent {tenant}/{agent}"),
            (Some(tenant), None) => format!("tenant {tenant}"),
            (None, Some(agent)) => format!("agent {agent}"),
            (None, None) => return "the policy".to_owned(),
        };
        if self.policys {
            format!("the policy of {whose}")
        } else {
            whose
        }
    }
}
