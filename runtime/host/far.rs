//! Calls between agents of which one works apart, on a thread of its own. This is the end that calls: requests are handed over, calls of methods go
//! over a link, with what they take along.

use std::rc::Rc;

use tokio::sync::oneshot;
use workerd_lite_ops::rpc::{Broken, Call, Failure, Started};
use workerd_lite_ops::{EventError, Origin, Request, Response, Target};

use super::far_job::{Begins, FarJob, Route, Work};
use super::far_link::FarLine;

/// An agent on another thread.
#[derive(Clone)]
pub(super) struct FarCallee {
    pub(super) line: Rc<FarLine>,
    pub(super) route: Route,
}

impl FarCallee {
    fn job(&self, origin: &Origin, target: Option<Target>, work: Work) -> FarJob {
        let (entrypoint, props) = match target {
            Some(Target::Entrypoint { entrypoint, props }) => (entrypoint, props),
            _ => (None, "{}".to_owned()),
        };
        let begins = Begins {
            route: self.route.clone(),
            entrypoint,
            props,
            trace: origin.trace.ids(),
        };
        FarJob { begins, work }
    }

    /// Begins an event with a call.
    pub(super) fn call(&self, call: Call, origin: &Origin, target: Option<Target>) -> Started {
        let (link, end) = match self.line.link() {
            Ok(link) => link,
            Err(error) => {
                let why = format!("RPC failed: the agent works apart, and can not be reached: {error}");
                return Broken::refuse(call.reply, Failure::new("Error", why));
            }
        };
        let event = link.next_event();
        let work = Work::Call {
            link: link.id,
            end,
            event,
        };
        if !self.line.post(self.job(origin, target, work)) {
            return Broken::refuse(call.reply, Failure::canceled());
        }
        link.begin(event, origin.trace.account().cloned(), call)
    }

    /// Begins an event with a request. Dropping the future cancels it.
    pub(super) async fn dispatch(
        self,
        request: Request,
        origin: Origin,
        target: Option<Target>,
    ) -> Result<Response, EventError> {
        let (reply, response) = oneshot::channel();
        let work = Work::Request(Box::new(request.into()), reply);
        if !self.line.post(self.job(&origin, target, work)) {
            return Err(EventError::Shutdown);
        }
        response.await.unwrap_or(Err(EventError::Shutdown)).map(Into::into)
    }
}
