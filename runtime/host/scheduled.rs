//! Calls an agent's `scheduled()` handler: <https://developers.cloudflare.com/workers/runtime-apis/handlers/scheduled/>.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deno_core::url::Url;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use workerd_lite_ops::rpc::{Call, Outcome, Payload, Remote as _, ReplyTo, plain};
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Origin, Response};

use super::callable::Callable;
use super::processes::ProcessCallee;
use super::tail::{Entrypoint, target};
use super::{Agent, Instance};

/// What wrangler calls it by where a worker is developed, and what it called it before.
const PATHS: [&str; 2] = ["/cdn-cgi/handler/scheduled", "/__scheduled"];

const HANDLER: &str = "scheduled";

/// Whether a request asks for the handler.
pub(super) fn asks(url: &Url) -> bool {
    PATHS.contains(&url.path())
}

impl Instance {
    /// Calls the handler, with the `cron` and the `time` of a query, and says how that ended: in a word, or where `format` is `json` as
    /// an object. That has no `noRetry`, as nothing is tried again here.
    pub(super) async fn scheduled_by(
        &self,
        (place, agent): (usize, &Arc<Agent>),
        url: &Url,
        trace: Rc<Trace>,
    ) -> Result<Response, EventError> {
        let query = |name: &str| {
            let mut pairs = url.query_pairs();
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let time = match query("time").map(|time| time.parse()) {
            Some(Ok(milliseconds)) => milliseconds,
            Some(Err(_)) => {
                let text = "Bad Request: `time` is no number of milliseconds\n";
                return Ok(Response::text(StatusCode::BAD_REQUEST, text));
            }
            None => now(),
        };
        let cron = query("cron").unwrap_or_default();
        let told = self.scheduled((place, agent), &cron, time, trace).await?;
        let is_json = query("format").is_some_and(|format| format == "json");
        Ok(match told {
            Ok(()) if is_json => as_json(StatusCode::OK, &json!({ "outcome": "ok" })),
            Err(why) if is_json => as_json(
                StatusCode::INTERNAL_SERVER_ERROR,
                &json!({ "outcome": "exception", "error": why }),
            ),
            Ok(()) => Response::text(StatusCode::OK, "ok"),
            Err(why) => Response::text(StatusCode::INTERNAL_SERVER_ERROR, format!("exception: {why}\n")),
        })
    }

    /// Calls the handler for a time, in milliseconds since 1970. Gives what it threw.
    pub(super) async fn scheduled(
        &self,
        (place, agent): (usize, &Arc<Agent>),
        cron: &str,
        time: u64,
        trace: Rc<Trace>,
    ) -> Result<Result<(), String>, EventError> {
        if let Some(account) = &agent.worker.account {
            trace.is_for(account);
        }
        let handle = match self.processes_of(agent) {
            Some(processes) => Callable::Process(ProcessCallee::new(processes, (place, agent))),
            None => self.cell(place, agent)?.into(),
        };
        let worker = Entrypoint {
            handle,
            origin: Origin { caller: 0, trace },
            target: target(None),
        };
        let controller = json!({ "type": HANDLER, "cron": cron, "scheduledTime": time });
        let (tell, told) = oneshot::channel();
        let started = worker.call(Call {
            path: vec![HANDLER.to_owned()],
            arguments: Some(Payload {
                bytes: plain(&json!([controller])).into(),
                capabilities: Vec::new(),
                streams: Vec::new(),
            }),
            reply: ReplyTo::new(move |outcome| {
                let _ = tell.send(match outcome {
                    Outcome::Failed(why) if why.stack.is_empty() => Err(why.message.clone()),
                    Outcome::Failed(why) => Err(why.stack.clone()),
                    Outcome::Value { .. } => Ok(()),
                });
            }),
        });
        let limit = agent.worker.effective_limits().wall;
        let outcome = tokio::time::timeout(limit, told).await;
        // Its event goes on for as long as it wants.
        if let Some(session) = started.session {
            session.done();
        }
        Ok(match outcome {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err("the worker was stopped".to_owned()),
            Err(_) => Err(format!("it took longer than {}", humantime::format_duration(limit))),
        })
    }
}

fn as_json(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::text(status, value.to_string());
    let json = HeaderValue::from_static("application/json");
    response.headers.insert(CONTENT_TYPE, json);
    response
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or_default()
}
