//! Every request of an agent passes here, to the outbound worker, or is denied.

use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use workerd_lite_ops::fetch::Egress;
use workerd_lite_ops::{BodyError, EventError, FetchError, Request, Response};

use crate::isolate::CellHandle;
use crate::limits::Progress;

/// An agent's way out: its outbound worker, and nothing else.
pub(super) struct OutboundGate {
    outbound: Option<CellHandle>,
    caller: Rc<str>,
    timeout: Duration,
}

impl OutboundGate {
    pub(super) fn new(outbound: Option<CellHandle>, caller: Rc<str>, timeout: Duration) -> Self {
        Self {
            outbound,
            caller,
            timeout,
        }
    }
}

impl Egress for OutboundGate {
    fn fetch(
        &self,
        _binding: Option<u32>,
        mut request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let Some(outbound) = &self.outbound else {
            return Box::pin(std::future::ready(Err(FetchError::NoOutboundWorker)));
        };
        let url = request.url.clone();
        let progress = Progress::default();
        let sent = progress.clone();
        request.body = request
            .body
            .map_stream(|stream| stream.inspect(move |_| sent.tick()).boxed_local());
        let answer = outbound.dispatch(request, Some(Rc::clone(&self.caller)));
        let timeout = self.timeout;
        Box::pin(async move {
            let why = match progress.within(timeout, answer).await {
                Some(Ok(mut response)) => {
                    // What the policy's stream says of its failure is not for the agent.
                    response.body = response
                        .body
                        .map_stream(|stream| stream.map(|chunk| chunk.map_err(|_| BodyError::Cut)).boxed_local());
                    return Ok(response);
                }
                Some(Err(EventError::Exception { summary, stack })) => {
                    if stack.is_empty() {
                        summary
                    } else {
                        stack
                    }
                }
                Some(Err(error)) => error.to_string(),
                None => format!("it gave no response within {timeout:?}: see [timeouts] policy"),
            };
            // The owner reads why. The agent does not.
            tracing::error!(target: "outbound", host = url.host_str(), "the outbound worker failed: {why}");
            Err(FetchError::OutboundWorker)
        })
    }
}
