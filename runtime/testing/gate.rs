//! The ways between a test's isolate and the project's: the test's requests to agents and policy, and the policy's
//! requests back to the test, which stands where the network would.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use http::{HeaderName, HeaderValue};
use workerd_lite_ops::fetch::Egress;
use workerd_lite_ops::{EventError, FetchError, Origin, Request, Response};

use super::session::Session;
use crate::egress::{Network, NetworkGate, Upstream, Via};
use crate::identity::Attested;
use crate::isolate::CellHandle;

/// Which of the test isolate's callers stands for the network.
const UPSTREAM: u32 = 1;

const VIA: HeaderName = HeaderName::from_static("x-workerd-lite-test-via");
const FAULT: HeaderName = HeaderName::from_static("x-workerd-lite-test-fault");

/// What a test's isolate may reach.
pub(super) struct TestGate {
    pub(super) session: RefCell<Option<Rc<Session>>>,
    /// The network, where the owner lets unanswered requests out.
    live: Option<NetworkGate>,
}

impl TestGate {
    pub(super) fn new(live: Option<Network>) -> Self {
        let nobody = Attested {
            name: "test".into(),
            tenant: None,
            instance: String::new(),
            code_sha256: String::new(),
        };
        Self {
            session: RefCell::new(None),
            live: live.map(|network| NetworkGate::new(Arc::new(network), vec![nobody])),
        }
    }
}

impl Egress for TestGate {
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
        let session = session.ok_or_else(|| FetchError::Invalid("no test is running".into()))?;
        session
            .control(order)
            .map(|answer| answer.to_string())
            .map_err(FetchError::Invalid)
    }
}

/// Hands the policy's requests to the test.
pub(super) struct PretendedNetwork {
    pub(super) test: CellHandle,
}

impl Upstream for PretendedNetwork {
    fn answer(&self, via: Via, mut request: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let told = serde_json::to_string(&via)
            .ok()
            .and_then(|via| HeaderValue::from_str(&via).ok());
        request.headers.remove(VIA);
        if let Some(told) = told {
            request.headers.insert(VIA, told);
        }
        let origin = Origin {
            caller: UPSTREAM,
            trace: Rc::default(),
        };
        let answer = self.test.dispatch(request, origin);
        Box::pin(async move {
            let failed = |why: String| Err(FetchError::Network(why));
            match answer.await {
                Ok(response) => match response.headers.get(FAULT).and_then(|fault| fault.to_str().ok()) {
                    None => Ok(response),
                    Some("stall") => std::future::pending().await,
                    Some("refuse") => failed(format!("{host}: Connection refused")),
                    Some("reset") => failed(format!("{host}: Connection reset by peer")),
                    Some("tls") => failed(format!("{host}: invalid peer certificate: UnknownIssuer")),
                    Some(_) => failed(format!("{host}: no t.upstream() of the test answers this request")),
                },
                Err(EventError::Exception { summary, .. }) => {
                    failed(format!("{host}: the test's upstream failed: {summary}"))
                }
                Err(error) => failed(error.to_string()),
            }
        })
    }
}
