//! The ways between a test's isolate and the project's: the test's requests to agents and policy, and the policy's
//! requests back to the test, which stands where the network would.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use serde_json::json;
use workerd_lite_ops::egress::Egress;
use workerd_lite_ops::loading::LoaderHandle;
use workerd_lite_ops::{FetchError, Origin, Request, Response};

use super::session::{Session, before_tests};
use crate::egress::{Agents, Network, NetworkGate};
use crate::host::loader_of;
use crate::identity::Attested;
use crate::isolate::Worker;
use crate::isolate::modules::Graph;
use crate::limits::Limits;

/// What a test's isolate may reach.
pub(super) struct TestGate {
    pub(super) session: RefCell<Option<Rc<Session>>>,
    /// The network, where the owner lets unanswered requests out.
    live: Option<NetworkGate>,
    /// The test file's modules.
    graph: Arc<Graph>,
    /// What its own `env` loads workers by, where that has such bindings.
    loader: RefCell<Option<LoaderHandle>>,
}

impl TestGate {
    pub(super) fn new(live: Option<Network>, graph: Arc<Graph>) -> Self {
        Self {
            session: RefCell::new(None),
            graph,
            loader: RefCell::default(),
            live: live.map(|network| {
                let agents = Agents::default();
                agents.add(0, nobody(), Limits::AGENT.connections, Limits::AGENT.sockets);
                NetworkGate::new(Arc::new(network), agents, Limits::OUTBOUND.headers)
            }),
        }
    }

    /// The test's own worker loads others, whose way out is the test's own. It does until [`Self::loads_no_more`].
    pub(super) fn loads_for(self: &Rc<Self>, worker: &Worker) {
        let way = Rc::<Self>::clone(self);
        let loader = loader_of(worker, nobody(), Box::new(move |_| Rc::<Self>::clone(&way)));
        self.loader.replace(Some(loader));
    }

    pub(super) fn loads_no_more(&self) {
        self.loader.take();
    }
}

/// Who a test is.
fn nobody() -> Attested {
    Attested {
        name: "test".into(),
        tenant: None,
        instance: String::new(),
        code_sha256: String::new(),
        parent: None,
    }
}

impl Egress for TestGate {
    fn loader(&self) -> Option<LoaderHandle> {
        self.loader.borrow().clone()
    }

    fn fetch(
        &self,
        origin: &Origin,
        binding: Option<u32>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let failed = |why: &str| FetchError::Invalid(why.to_owned());
        let Some(binding) = binding else {
            return match &self.live {
                Some(network) => {
                    let origin = Origin {
                        caller: 0,
                        trace: Rc::clone(&origin.trace),
                    };
                    network.fetch(&origin, None, request)
                }
                None => Box::pin(std::future::ready(Err(failed(
                    "a test's own fetch() goes nowhere: call t.agent().fetch() or t.outbound().fetch()",
                )))),
            };
        };
        let Some(session) = self.session.borrow().clone() else {
            return Box::pin(std::future::ready(Err(failed("no test is running"))));
        };
        let origin = origin.clone();
        Box::pin(async move { session.fetch(binding, &origin, request).await })
    }

    fn control(&self, order: &str) -> Result<String, FetchError> {
        let session = self.session.borrow().clone();
        let answer = match session {
            Some(session) => session.control(order),
            None => before_tests(&self.graph, order),
        };
        Ok(answer.unwrap_or_else(|why| json!({ "refused": why })).to_string())
    }
}
