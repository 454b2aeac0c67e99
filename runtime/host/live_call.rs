//! An agent's request as the live page shows it: from when the agent asks until it has an answer. Its egresses are told apart.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use serde_json::{Value, json};
use workerd_lite_ops::Request;
use workerd_lite_ops::tcp::is_connect;
use workerd_lite_ops::trace::Trace;

use crate::audit::{Auditor, Feed, Sketch, fields, tcp_url};
use crate::identity::Attested;

/// An agent's request that has no answer yet. The agent did not wait for one where it is dropped so.
pub(super) struct LiveCall {
    feed: Arc<Feed>,
    key: u64,
    began: Instant,
    body: Sketch,
    call: Value,
}

impl LiveCall {
    /// Begins one, where someone looks on.
    pub(super) fn begin(auditor: &Auditor, agent: &Attested, trace: &Trace, request: &mut Request) -> Option<Self> {
        let feed = Arc::clone(auditor.feed()?);
        let (body, same) = Sketch::of(&request.headers, std::mem::take(&mut request.body));
        request.body = same;
        let key = feed.key();
        trace.call.set(key);
        let call = json!({
            "kind": "call",
            "request": trace.number(),
            "at": feed.at(trace.queued),
            "agent": agent.name,
            "tenant": agent.tenant,
            "method": request.method.as_str(),
            "url": if is_connect(request) { tcp_url(&request.url) } else { auditor.shown_url(&request.url) },
            "headers": fields(&request.headers),
            "state": "begun",
        });
        let live = Self {
            feed,
            key,
            began: trace.queued,
            body,
            call,
        };
        live.tell();
        Some(live)
    }

    /// The agent's own rules have denied it.
    pub(super) fn judged_by_rule(mut self) -> Self {
        self.is_audited();
        self
    }

    /// The agent's own rules say something of it, which the policy alone would not.
    pub(super) fn is_audited(&mut self) {
        self.call["by_rule"] = json!(true);
    }

    /// The policy's answer is there.
    pub(super) fn answered(mut self, status: StatusCode) {
        self.call["status"] = json!(status.as_u16());
        self.call["state"] = json!("done");
    }

    /// It has no answer, and its owner reads why.
    pub(super) fn failed(mut self, why: String, limit: Option<String>) {
        self.call["error"] = json!(why);
        self.call["limit"] = json!(limit);
        self.call["state"] = json!("done");
    }

    fn tell(&self) {
        self.feed.put(self.key, self.call.clone());
    }
}

impl Drop for LiveCall {
    fn drop(&mut self) {
        if self.call["state"] == "begun" {
            self.call["state"] = json!("gone");
        }
        self.call["ms"] = json!(self.began.elapsed().as_secs_f64() * 1000.0);
        self.call["body"] = self.body.shown();
        self.tell();
    }
}
