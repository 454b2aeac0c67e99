//! The network as one of the policy's cells sees it: the cell counts its own callers, the network all agents.

use futures_util::future::LocalBoxFuture;
use workerd_lite_ops::fetch::{Egress, EgressHandle};
use workerd_lite_ops::{CallerId, FetchError, Origin, Request, Response};

/// Requests of a cell, in the name of the agents that its callers are.
pub(super) struct Renumbered {
    egress: EgressHandle,
    agents: Vec<CallerId>,
}

impl Renumbered {
    /// For a cell whose callers are these agents, by their places in the project.
    pub(super) fn new(egress: EgressHandle, agents: &[usize]) -> Self {
        let agents = agents
            .iter()
            .map(|agent| CallerId::try_from(*agent).unwrap_or(CallerId::MAX));
        Self {
            egress,
            agents: agents.collect(),
        }
    }

    /// Nobody's number where there is no such caller.
    fn agent(&self, caller: CallerId) -> CallerId {
        let place = usize::try_from(caller).ok();
        place
            .and_then(|place| self.agents.get(place).copied())
            .unwrap_or(CallerId::MAX)
    }
}

impl Egress for Renumbered {
    fn fetch(
        &self,
        origin: &Origin,
        binding: Option<u32>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let mut origin = origin.clone();
        origin.caller = self.agent(origin.caller);
        self.egress.fetch(&origin, binding, request)
    }

    fn token(&self, caller: CallerId, audience: &[String], claims: &str) -> Result<String, FetchError> {
        self.egress.token(self.agent(caller), audience, claims)
    }
}
