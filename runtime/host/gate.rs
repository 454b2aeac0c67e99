//! Every request of an agent passes here: its rules first, then the outbound worker; or it is denied.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use tracing::Instrument as _;
use workerd_lite_ops::fetch::Egress;
use workerd_lite_ops::trace::{Asked, Trace};
use workerd_lite_ops::worker_log;
use workerd_lite_ops::{BodyError, CallerId, EventError, FetchError, Origin, Request, Response};

use crate::audit::{By, Verdict, shortened};
use crate::egress::Network;
use crate::identity::Attested;
use crate::isolate::CellHandle;
use crate::limits::Progress;
use crate::rules::{Rules, Verdict as Judged, problem};

/// An agent's way out: its outbound worker, and nothing else.
pub(super) struct OutboundGate {
    pub(super) network: Arc<Network>,
    pub(super) agent: Attested,
    pub(super) outbound: Option<CellHandle>,
    /// Which of the outbound worker's callers this agent is.
    pub(super) caller: CallerId,
    pub(super) rules: Option<Rules>,
    pub(super) timeout: Duration,
}

impl OutboundGate {
    /// The answer of the agent's own rules, where they deny.
    fn denied(&self, trace: &Trace, request: &mut Request) -> Option<Response> {
        let judged = self.rules.as_ref()?.judge(&request.method, &request.url);
        let host = shortened(request.url.host_str().unwrap_or_default()).into_owned();
        match judged {
            Judged::Allow { .. } => None,
            Judged::Audit(denial) => {
                tracing::warn!(
                    target: "egress",
                    agent = self.agent.name,
                    host,
                    rule = &*denial.rule,
                    "audited: would be denied for its {}",
                    denial.outside
                );
                let _ = trace.audited.set((*denial.rule).into());
                None
            }
            Judged::Deny(denial) => {
                let response = problem(&denial, &host);
                let Some(mut open) = self.network.record(&self.agent, trace, request) else {
                    return Some(response);
                };
                open.verdict(Verdict::Deny, By::Rule);
                open.rule(&denial.rule);
                Some(open.response(response))
            }
        }
    }
}

impl Egress for OutboundGate {
    fn fetch(
        &self,
        origin: &Origin,
        _binding: Option<u32>,
        mut request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let Some(outbound) = &self.outbound else {
            return Box::pin(std::future::ready(Err(FetchError::NoOutboundWorker)));
        };
        let trace = Rc::new(origin.trace.child());
        if let Some(response) = self.denied(&trace, &mut request) {
            return Box::pin(std::future::ready(Ok(response)));
        }
        if self.network.propagate_trace {
            trace.add(&mut request.headers);
        }
        let shown = self.network.audit.as_ref().is_some_and(|auditor| auditor.is_shown());
        if shown {
            let _ = trace.asked.set(Asked {
                method: request.method.clone(),
                url: request.url.clone(),
                headers: request.headers.clone(),
            });
        }
        let host = shortened(request.url.host_str().unwrap_or_default()).into_owned();
        let progress = Progress::default();
        let sent = progress.clone();
        request.body = request
            .body
            .map_stream(|stream| stream.inspect(move |_| sent.tick()).boxed_local());
        // What the policy answers without the network is recorded here, all else where it goes out.
        let own = Origin {
            caller: self.caller,
            trace: Rc::clone(&trace),
        };
        let auditing = self.network.audit.is_some();
        let mut head = auditing.then(|| Request {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: if shown {
                request.headers.clone()
            } else {
                http::HeaderMap::new()
            },
            body: workerd_lite_ops::Body::Empty,
        });
        let network = Arc::clone(&self.network);
        let agent = auditing.then(|| self.agent.clone());
        let answer = outbound.dispatch(request, own);
        let timeout = self.timeout;
        let span = tracing::debug_span!(
            target: "policy",
            "policy",
            request_id = &*trace.request_id(),
            agent = self.agent.name,
            tenant = self.agent.tenant,
            host,
        );
        let judging = async move {
            let mut open = || {
                let (agent, head) = (agent.as_ref()?, head.as_mut()?);
                if trace.egresses.get() > 0 {
                    return None;
                }
                network.record(agent, &trace, head)
            };
            let mut by = By::Policy;
            let why = match progress.within(timeout, answer).await {
                Some(Ok(mut response)) => {
                    // What the policy's stream says of its failure is not for the agent.
                    response.body = response
                        .body
                        .map_stream(|stream| stream.map(|chunk| chunk.map_err(|_| BodyError::Cut)).boxed_local());
                    let Some(mut open) = open() else { return Ok(response) };
                    let denied = response.status.is_client_error() || response.status.is_server_error();
                    open.verdict(if denied { Verdict::Deny } else { Verdict::Answer }, By::Policy);
                    return Ok(open.response(response));
                }
                Some(Err(error)) => {
                    if matches!(error, EventError::Terminated(_)) {
                        by = By::Limit;
                    }
                    error.details()
                }
                None => {
                    by = By::Limit;
                    format!("it gave no response within {timeout:?}: see [timeouts] policy")
                }
            };
            // The owner reads why. The agent does not.
            let request_id = trace.request_id();
            if !worker_log::note(|| format!("the outbound worker failed: {why}")) {
                tracing::error!(target: "outbound", host, request_id = &*request_id, "the outbound worker failed: {why}");
            }
            if let Some(mut open) = open() {
                open.verdict(Verdict::Deny, by);
                open.error("the outbound worker failed");
            }
            Err(FetchError::OutboundWorker)
        };
        Box::pin(judging.instrument(span))
    }
}
