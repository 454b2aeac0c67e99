//! The network as one of the policy's cells sees it: the cell counts its own callers, the network all agents.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use workerd_lite_ops::egress::{Egress, EgressHandle};
use workerd_lite_ops::loading::LoaderHandle;
use workerd_lite_ops::{CallerId, FetchError, Origin, Request, Response};

/// Requests of a cell, in the name of the agents that its callers are.
pub(super) struct Renumbered {
    egress: EgressHandle,
    agents: Rc<RefCell<Vec<usize>>>,
    loader: Option<LoaderHandle>,
}

impl Renumbered {
    /// For a cell whose callers are these agents, by their places in the project, in the order in which they came.
    pub(super) fn new(egress: EgressHandle, agents: &Rc<RefCell<Vec<usize>>>) -> Self {
        Self {
            egress,
            agents: Rc::clone(agents),
            loader: None,
        }
    }

    /// The same, for a policy that loads workers.
    pub(super) fn with_loader(&self, loader: LoaderHandle) -> Self {
        Self {
            egress: EgressHandle::clone(&self.egress),
            agents: Rc::clone(&self.agents),
            loader: Some(loader),
        }
    }

    /// Nobody's number where there is no such caller.
    fn agent(&self, caller: CallerId) -> CallerId {
        let place = usize::try_from(caller).ok();
        let agent = place.and_then(|place| self.agents.borrow().get(place).copied());
        agent
            .and_then(|agent| CallerId::try_from(agent).ok())
            .unwrap_or(CallerId::MAX)
    }
}

impl Egress for Renumbered {
    fn loader(&self) -> Option<LoaderHandle> {
        self.loader.clone()
    }

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

    fn token(
        &self,
        origin: &Origin,
        audience: &[String],
        claims: &str,
    ) -> LocalBoxFuture<'static, Result<String, FetchError>> {
        let mut origin = origin.clone();
        origin.caller = self.agent(origin.caller);
        self.egress.token(&origin, audience, claims)
    }
}
