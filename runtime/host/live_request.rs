//! A client's request as the live page shows it.

use std::time::Instant;

use http::StatusCode;
use serde_json::{Value, json};
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{Request, clock};

use super::agent::Agent;
use crate::audit::{Feed, masked};

/// A request that has no response yet.
pub(super) struct LiveRequest<'a> {
    feed: &'a Feed,
    began: Instant,
    request: Value,
}

impl<'a> LiveRequest<'a> {
    pub(super) fn begin(feed: &'a Feed, agent: &Agent, trace: &Trace, request: &Request) -> Self {
        let request = json!({
            "time": humantime::format_rfc3339_micros(clock::wall()).to_string(),
            "request_id": &*trace.request_id(),
            "agent": agent.worker.name,
            "tenant": agent.tenant,
            "method": request.method.as_str(),
            "url": masked(&request.url, &[]),
        });
        Self {
            feed,
            began: Instant::now(),
            request,
        }
    }

    /// Its response's head is there.
    pub(super) fn end(mut self, status: StatusCode, error: Option<String>) {
        self.request["status"] = json!(status.as_u16());
        self.request["ms"] = json!(self.began.elapsed().as_secs_f64() * 1000.0);
        self.request["error"] = json!(error);
        self.feed
            .publish(&json!({ "kind": "request", "request": self.request }));
    }
}
