//! The mock network: it hands the policy's requests to the test, which stands where the network would.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use http::{HeaderName, HeaderValue};
use workerd_lite_ops::{EventError, FetchError, Inbox, Origin, Request, Response};

use crate::egress::{Upstream, Via};
use crate::isolate::CellHandle;

/// Which of the test isolate's callers stands for the network.
const UPSTREAM: u32 = 1;

const VIA: HeaderName = HeaderName::from_static("x-workerd-lite-test-via");
const FAULT: HeaderName = HeaderName::from_static("x-workerd-lite-test-fault");

/// Hands the policy's requests to the test.
pub(super) struct MockNetwork {
    pub(super) test: CellHandle,
    /// Services that the test stands in for: of an agent, or of all.
    pub(super) services: RefCell<HashSet<(Option<String>, String)>>,
}

impl Upstream for MockNetwork {
    fn service(&self, agent: &str, service: &str) -> Option<Rc<Inbox>> {
        let services = self.services.borrow();
        let pretended = |agent: Option<&str>| services.contains(&(agent.map(ToOwned::to_owned), service.to_owned()));
        (pretended(None) || pretended(Some(agent))).then(|| self.test.inbox())
    }

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
