//! A service that is found, and requests to it.

use std::time::Duration;

use deno_error::JsErrorBox;
use futures_util::StreamExt as _;
use workerd_lite_ops::tcp::is_connect;
use workerd_lite_ops::{BodyError, EventError, FetchError, Origin, Request, Response, Target};

use super::callable::Callable;
use super::line::Line;
use super::thrown::thrown;

/// The method of the records of requests.
const FETCH: &str = "fetch";

/// What is behind a service.
pub(super) struct Found {
    pub(super) line: Line,
    pub(super) cell: Callable,
    pub(super) origin: Origin,
    pub(super) door: u32,
    pub(super) target: Option<Target>,
    /// How long its answer may take.
    pub(super) timeout: Duration,
}

impl Found {
    /// Calls the entrypoint's `fetch()`.
    pub(super) async fn fetch(self, mut request: Request) -> Result<Response, FetchError> {
        let Self {
            line,
            cell,
            origin,
            door,
            target,
            timeout,
        } = self;
        // A service is no way out: what it opens would be nobody's to judge.
        if is_connect(&request) {
            let why = format!("connect() of {} is not supported by workerd-lite", line.grant.binding);
            return Err(FetchError::Loaded(JsErrorBox::type_error(why)));
        }
        if !line.grant.allows(FETCH) {
            let sent = usize::try_from(request.body.length().unwrap_or_default()).unwrap_or(usize::MAX);
            let why = line.denied(FETCH, sent);
            return Err(FetchError::Loaded(JsErrorBox::type_error(why)));
        }
        let mut calling = line.calling(FETCH, 0);
        request.body = calling.counts(request.body);
        let target = match target {
            Some(entrypoint @ Target::Entrypoint { .. }) => entrypoint,
            Some(Target::Agent(agent)) => Target::Door(door, Some(agent)),
            _ => Target::Door(door, None),
        };
        let answered = tokio::time::timeout(timeout, cell.dispatch_to(request, origin, Some(target))).await;
        let why = match answered {
            Ok(Ok(mut response)) => {
                if line.is_to_policy() {
                    response.body = response
                        .body
                        .map_stream(|stream| stream.map(|chunk| chunk.map_err(|_| BodyError::Cut)).boxed_local());
                }
                return Ok(calling.response(response));
            }
            Ok(Err(error)) => error,
            Err(_) => {
                calling.failed("timeout");
                return Err(line.unanswered(&format!("it gave no response within {timeout:?}")));
            }
        };
        match why {
            EventError::Terminated(why) => line.stopped(&mut calling, why),
            _ => calling.failed("Error"),
        }
        match why {
            // Between agents there is nothing to hide.
            EventError::Exception { summary, .. } if !line.is_to_policy() => Err(thrown(summary)),
            error => Err(line.unanswered(&error.details())),
        }
    }
}

impl Line {
    /// Tells the owner why there is no answer. The agent learns that there is none.
    fn unanswered(&self, why: &str) -> FetchError {
        self.tell_owner(why);
        FetchError::Loaded(JsErrorBox::type_error(format!(
            "fetch failed: the service {} gave no response",
            self.grant.binding
        )))
    }
}
