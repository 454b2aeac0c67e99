//! A client's request as the live page shows it: from when it comes until its response has ended.

use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt as _;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{Body, Response, Termination};

use super::agent::Agent;
use crate::audit::{Feed, Sketch, fields, shown_url};

/// A request whose response has not ended. Its client has gone where it is dropped before.
pub(super) struct LiveRequest {
    feed: Arc<Feed>,
    key: u64,
    began: Instant,
    asked: Sketch,
    request: Value,
}

impl LiveRequest {
    /// Begins one, which may be for no agent.
    pub(super) fn begin(
        feed: &Arc<Feed>,
        agent: Option<&Agent>,
        trace: &Trace,
        (method, url, headers): (&Method, &deno_core::url::Url, &HeaderMap),
    ) -> Self {
        let began = Instant::now();
        let request = json!({
            "kind": "request",
            "request": trace.number(),
            "request_id": &*trace.request_id(),
            "at": feed.at(began),
            "agent": agent.map(|agent| &agent.worker.name),
            "tenant": agent.and_then(|agent| agent.tenant.as_ref()),
            "method": method.as_str(),
            "url": shown_url(url, &[]),
            "headers": fields(headers),
            "state": "begun",
        });
        let live = Self {
            feed: Arc::clone(feed),
            key: feed.key(),
            began,
            asked: Sketch::default(),
            request,
        };
        live.tell();
        live
    }

    /// Looks at its body, and gives the same back.
    pub(super) fn body(&mut self, headers: &HeaderMap, body: Body) -> Body {
        let (asked, body) = Sketch::of(headers, body);
        self.asked = asked;
        body
    }

    /// Why it failed, for its owner.
    pub(super) fn failed(&mut self, why: String) {
        self.request["error"] = json!(why);
    }

    /// It was ended for what it used.
    pub(super) fn ended(&mut self, why: Termination) {
        self.failed(format!("the agent was stopped: {why}"));
        self.request["limit"] = json!(why.word());
    }

    /// Its response's head is there. The rest of it is told with the end of its body.
    pub(super) fn answered(mut self, mut response: Response) -> Response {
        self.request["status"] = json!(response.status.as_u16());
        self.request["head"] = json!(self.began.elapsed().as_secs_f64() * 1000.0);
        if let Body::Stream(_) = &response.body {
            self.request["state"] = json!("body");
            self.tell();
            let length = response.body.length();
            let mut live = Watched { live: self, bytes: 0 };
            response.body = response.body.map_stream(|stream| {
                // What is pulled after the end is the end.
                let stream = stream.map(Some).chain(futures_util::stream::iter([None]));
                stream
                    .filter_map(move |chunk| {
                        match &chunk {
                            Some(Ok(chunk)) => {
                                live.bytes += chunk.len() as u64;
                                // Nobody pulls beyond a known length.
                                if Some(live.bytes) == length {
                                    live.live.request["state"] = json!("done");
                                }
                            }
                            Some(Err(error)) => {
                                live.live.failed(format!("the response's body: {error}"));
                                // It is not the client that went away.
                                live.live.request["state"] = json!("done");
                            }
                            None => live.live.request["state"] = json!("done"),
                        }
                        std::future::ready(chunk)
                    })
                    .boxed_local()
            });
        } else {
            self.request["bytes"] = json!(response.body.length());
            self.request["state"] = json!("done");
        }
        response
    }

    fn tell(&self) {
        self.feed.put(self.key, self.request.clone());
    }
}

/// A response's body on its way.
struct Watched {
    live: LiveRequest,
    bytes: u64,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.live.request["bytes"] = json!(self.bytes);
    }
}

impl Drop for LiveRequest {
    fn drop(&mut self) {
        if self.request["state"] != "done" {
            self.request["state"] = json!("gone");
        }
        self.request["ms"] = json!(self.began.elapsed().as_secs_f64() * 1000.0);
        self.request["body"] = self.asked.shown();
        self.tell();
    }
}
