//! A response's body that ends before its end: its client reads no reason, so its owner is told one.

use std::rc::Rc;
use std::sync::Arc;

use futures_util::StreamExt as _;
use workerd_lite_ops::{Body, BodyError, Response};

use super::agent::Agent;
use super::served::{Outcome, Served};
use crate::metrics;

/// The response. Where its body fails, the log says why, and so does what is known of the request.
pub(super) fn watched(mut response: Response, served: &Rc<Served>, agent: &Arc<Agent>) -> Response {
    let (served, agent) = (Rc::clone(served), Arc::clone(agent));
    response.body = response.body.map_stream(|stream| {
        let watched = stream.inspect(move |chunk| {
            if let Err(error) = chunk {
                failed(error, &served, &agent);
            }
        });
        watched.boxed_local()
    });
    response
}

/// The request's body. Where it fails, nobody is left who could read of the response's.
pub(super) fn asked(body: Body, served: &Rc<Served>) -> Body {
    let usage = Arc::clone(served.trace.usage());
    body.map_stream(|stream| {
        let watched = stream.inspect(move |chunk| {
            if let Err(BodyError::Cut) = chunk {
                usage.broken.by_client();
            }
        });
        watched.boxed_local()
    })
}

fn failed(error: &BodyError, served: &Served, agent: &Agent) {
    let trace = &served.trace;
    let broken = &trace.usage().broken;
    // Its client has gone, or the server is at its end.
    if broken.client() || metrics::is_cutting() {
        return;
    }
    let (outcome, whose) = match error {
        BodyError::TooLarge(_) => (Outcome::Limit("response_body"), ""),
        BodyError::OutOfMemory(_) | BodyError::Share => (Outcome::Limit("memory"), ""),
        BodyError::Cut | BodyError::Idle if broken.upstream() => (Outcome::Error("upstream"), "an upstream's answer: "),
        _ => (Outcome::Error("body"), ""),
    };
    served.outcome.set(outcome);
    if let (Some(reason), Some(account)) = (outcome.words().1, served.account.get()) {
        account.statistics().broken_body(reason);
    }
    if broken.told() && !matches!(outcome, Outcome::Limit(_)) {
        return;
    }
    let request_id = trace.request_id();
    let help = match error {
        BodyError::Idle => ": see [timeouts] idle",
        BodyError::TooLarge(_) => ": see limits.response_body_mb",
        _ => "",
    };
    tracing::error!(target: "worker", worker = agent.worker.label(), agent = agent.worker.name, tenant = agent.tenant, request_id = &*request_id, "a body failed: {whose}{error}{help}");
}
