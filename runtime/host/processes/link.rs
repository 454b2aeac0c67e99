//! One thread's link to one process: events go out, and requests of theirs come back.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::AbortHandle;
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use workerd_lite_ops::fetch::EgressHandle;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Request, Response};

use super::egress;
use super::events::{Event, Events};
use crate::boundary::{Answer, Child, Envelope, Links, Sent, UnderWay, answered, ask, client, server};
use crate::host::agent::Agent;
use crate::isolate::StartupError;

/// How much longer than the longest event computes a process may take for a sign of life.
const SLACK: Duration = Duration::from_secs(10);

/// A link.
pub(super) struct Link {
    pub(super) child: Arc<Child>,
    sender: SendRequest<Sent>,
    /// The ways out of its agents, and their places in the project, in the order that the process counts them.
    pub(super) gates: Vec<EgressHandle>,
    places: Vec<usize>,
    pub(super) events: Events,
    /// Bytes of headers that any of its agents may have in a message.
    pub(super) headers: usize,
    ends: RefCell<Option<AbortHandle>>,
    pub(super) over: Cell<bool>,
}

impl Link {
    /// A link, and what serves it until it ends.
    pub(super) async fn start(
        (child, ends): (Arc<Child>, Links),
        members: &[(usize, Arc<Agent>)],
        gates: Vec<EgressHandle>,
    ) -> Result<(Rc<Self>, impl Future<Output = ()> + use<>), StartupError> {
        let limits = || members.iter().map(|(_, agent)| agent.worker.limits);
        let headers = limits().map(|limits| limits.headers).max().unwrap_or_default();
        let longest = limits()
            .map(|limits| limits.cpu.max(limits.startup))
            .max()
            .unwrap_or_default();
        let patience = longest.saturating_mul(4).saturating_add(SLACK);
        let connected = client(ends.events, headers, Some(patience)).await;
        let (sender, connection) =
            connected.map_err(|error| StartupError::new(format!("the link to an agents' process failed: {error}")))?;
        let (handle, registration) = AbortHandle::new_pair();
        let link = Rc::new(Self {
            child,
            sender,
            gates,
            places: members.iter().map(|(place, _)| *place).collect(),
            events: Events::default(),
            headers,
            ends: RefCell::new(Some(handle)),
            over: Cell::new(false),
        });
        let serves = Rc::clone(&link);
        let asks = Rc::clone(&link);
        let service = service_fn(move |request| {
            let link = Rc::clone(&asks);
            async move { Ok::<_, Infallible>(egress::serve(&link, request).await) }
        });
        let serving = server(ends.egress, headers, service);
        let serving = async move {
            // Whichever ends first: a process that has broken one of them has broken both.
            let both = async {
                tokio::select! {
                    ended = connection => ended,
                    ended = serving => ended,
                }
            };
            let ended = futures_util::future::Abortable::new(both, registration).await;
            serves.over.set(true);
            if let Ok(Err(error)) = ended {
                let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
                serves.child.kill(&format!("its link is broken: {error}{cause}"));
            }
        };
        Ok((link, serving))
    }

    /// Hands a request over. Dropping the future cancels it.
    pub(super) async fn dispatch(
        self: Rc<Self>,
        (place, agent): (usize, &Arc<Agent>),
        request: Request,
        trace: Rc<Trace>,
        under_way: UnderWay,
    ) -> Result<Response, EventError> {
        let to = self
            .places
            .iter()
            .position(|known| *known == place)
            .ok_or(EventError::Shutdown)?;
        let event = Event::new(to, Rc::clone(&trace), agent.worker.effective_limits());
        let id = self.events.begin(&event).map_err(EventError::Terminated)?;
        let watching = Watching {
            link: Rc::clone(&self),
            event,
            id,
            _under_way: under_way,
        };
        let envelope = Envelope {
            to,
            event: id,
            request_id: Some(trace.request_id().to_string()),
            cf: request.cf.as_deref().map(ToOwned::to_owned),
        };
        let request = ask(&envelope, request).map_err(|error| self.broken(&error))?;
        let response = self.sender.clone().send_request(request).await.map_err(|error| {
            tracing::debug!(target: "worker", process = self.child.id, "a link brought no response: {error}");
            EventError::Shutdown
        })?;
        let headers = watching.event.limits.headers;
        let over = move |answer: Option<Answer>| watching.over(answer);
        let answered = answered(response, headers.max(self.headers), Some(Box::new(over))).await;
        match answered {
            Ok(answered) => answered.map_err(crate::boundary::Failure::of_event),
            Err(error) => Err(self.broken(&error)),
        }
    }

    /// The process says what no process of ours says.
    pub(super) fn broken(&self, error: &crate::boundary::LinkError) -> EventError {
        self.child.kill(&error.to_string());
        EventError::Shutdown
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.over.get() && self.events.is_busy()
    }

    pub(super) fn abort(&self) {
        if let Some(handle) = self.ends.take() {
            handle.abort();
        }
    }
}

/// An event whose response is waited for, or read.
struct Watching {
    link: Rc<Link>,
    event: Rc<Event>,
    id: u32,
    _under_way: UnderWay,
}

impl Watching {
    fn over(self, answer: Option<Answer>) {
        if let Some(answer) = answer {
            self.event.computed(answer.cpu);
            if answer.over {
                self.link.events.end(self.id);
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.event.is_read();
    }
}
