//! Who shares an isolate of the policy.

use super::agent::Agent;

/// Who shares an isolate of the policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IsolatePer {
    /// The agents of a tenant. One that has no tenant shares with nobody.
    #[default]
    Tenant,
    /// Nobody.
    Agent,
    /// All agents.
    Server,
}

/// Whom a cell of the policy works for: a tenant, an agent by its place in the project, or all.
pub(super) type Key = (Option<String>, Option<usize>);

/// Whom the cell of an agent's policy works for.
pub(super) fn key(per: IsolatePer, place: usize, agent: &Agent) -> Key {
    match (per, agent.tenant.as_ref()) {
        (IsolatePer::Server, _) => (None, None),
        (IsolatePer::Tenant, Some(tenant)) => (Some(tenant.clone()), None),
        (IsolatePer::Tenant, None) | (IsolatePer::Agent, _) => (None, Some(place)),
    }
}
