//! An egress as the live page shows it, from when it begins.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use workerd_lite_ops::Response;
use workerd_lite_ops::trace::Trace;

use super::changes::Changes;
use super::feed::Feed;
use super::record::{Record, ms};
use super::sketch::Sketch;

/// How far an egress has come.
#[derive(Debug, Clone, Copy, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Nobody has judged it yet.
    Begun,
    /// It is on its way.
    Leaving,
    /// Its response's head is there.
    Body,
    /// It has ended.
    Done,
}

/// An egress that someone looks at.
#[derive(Debug)]
pub(super) struct LiveEgress {
    feed: Arc<Feed>,
    key: u64,
    call: u64,
    request: u64,
    /// When the agent asked for it: milliseconds since 1970.
    at: f64,
    began: Instant,
    state: State,
    /// What a policy made of the agent's request.
    changes: Option<Changes>,
    /// When its last attempt began to look for a connection, in milliseconds.
    sent: Option<f64>,
    /// Whether its credential asks others for tokens.
    tokens: bool,
    response: Option<Sketch>,
}

impl LiveEgress {
    pub(super) fn begin(feed: &Arc<Feed>, trace: &Trace, began: Instant, changes: Option<Changes>) -> Self {
        Self {
            key: feed.key(),
            call: trace.call.get(),
            request: trace.number(),
            at: feed.at(trace.queued),
            feed: Arc::clone(feed),
            began,
            state: State::Begun,
            changes,
            sent: None,
            tokens: false,
            response: None,
        }
    }

    pub(super) fn state(&mut self, state: State) {
        self.state = state;
    }

    /// An attempt begins to look for a connection.
    pub(super) fn sends(&mut self) {
        self.sent = Some(ms(self.began.elapsed()));
    }

    pub(super) fn asks_for_tokens(&mut self) {
        self.tokens = true;
    }

    /// Looks at its response's body.
    pub(super) fn response(&mut self, mut response: Response) -> Response {
        let (sketch, body) = Sketch::of(&response.headers, std::mem::take(&mut response.body));
        self.response = Some(sketch);
        response.body = body;
        response
    }

    pub(super) fn tell(&self, record: &Record) {
        let response = self.response.as_ref().map_or(Value::Null, Sketch::shown);
        self.feed.put(
            self.key,
            json!({
                "kind": "egress",
                "request": self.request,
                "call": self.call,
                "at": self.at,
                "began": self.feed.at(self.began),
                "state": self.state,
                "sent": self.sent,
                "tokens": self.tokens,
                "egress": record,
                "asked": self.changes,
                "response": response,
            }),
        );
    }
}
