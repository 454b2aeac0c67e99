//! Calls between agents of which one works apart, on a thread of its own: requests, and calls of methods whose arguments and results are plain data. What
//! crosses is bytes.

use std::rc::{Rc, Weak};
use std::sync::Arc;

use bytes::Bytes;
use deno_core::unsync::spawn;
use tokio::sync::{mpsc, oneshot};
use workerd_lite_ops::account::{AgentId, metered};
use workerd_lite_ops::rpc::{Broken, Call, Failure, Outcome, Payload, ReplyTo, Session, Started};
use workerd_lite_ops::trace::{Trace, TraceIds};
use workerd_lite_ops::{EventError, Origin, Request, Response, Target};

use super::agent_cells::AgentCells;
use super::callee::{Callee, Callees as _};
use super::transferable::{TransferableRequest, TransferableResponse};
use crate::identity::Attested;

/// What a call says that would take more along.
const PLAIN: &str = "an agent of this call works apart from the others now: functions, stubs and streams can not cross until it does no longer";

/// Who calls whom: the caller's place in the whole project, what is attested of it, and the other one.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) from: usize,
    pub(super) caller: Attested,
    pub(super) id: AgentId,
}

/// A call on its way to another thread.
pub(super) struct FarJob {
    route: Route,
    entrypoint: Option<String>,
    props: String,
    trace: TraceIds,
    work: Work,
}

enum Work {
    Request(
        Box<TransferableRequest>,
        oneshot::Sender<Result<TransferableResponse, EventError>>,
    ),
    Call {
        path: Vec<String>,
        arguments: Option<Bytes>,
        reply: oneshot::Sender<Result<Bytes, Failure>>,
    },
}

/// Hands a call to a thread. Gives whether that takes it.
pub(super) type Post = Rc<dyn Fn(FarJob) -> bool>;

/// An agent on another thread.
#[derive(Clone)]
pub(super) struct FarCallee {
    pub(super) post: Post,
    pub(super) route: Route,
}

impl FarCallee {
    fn job(&self, origin: &Origin, target: Option<Target>, work: Work) -> FarJob {
        let (entrypoint, props) = match target {
            Some(Target::Entrypoint { entrypoint, props }) => (entrypoint, props),
            _ => (None, "{}".to_owned()),
        };
        FarJob {
            route: self.route.clone(),
            entrypoint,
            props,
            trace: origin.trace.ids(),
            work,
        }
    }

    /// Begins an event with a call.
    pub(super) fn call(&self, call: Call, origin: &Origin, target: Option<Target>) -> Started {
        let Call { path, arguments, reply } = call;
        let refused = || Failure::new("TypeError", PLAIN);
        if arguments.as_ref().is_some_and(Payload::holds) {
            return Broken::refuse(reply, refused());
        }
        let (answer, answered) = oneshot::channel();
        let work = Work::Call {
            path,
            arguments: arguments.map(|payload| payload.bytes),
            reply: answer,
        };
        if !(self.post)(self.job(origin, target, work)) {
            return Broken::refuse(reply, Failure::canceled());
        }
        let waiting = spawn(async move {
            reply.send(match answered.await {
                Ok(Ok(bytes)) => Outcome::Value {
                    payload: plain(bytes),
                    disposer: false,
                },
                Ok(Err(failure)) => Outcome::Failed(failure),
                Err(_) => Outcome::Failed(Failure::canceled()),
            });
        });
        let ends = move |by_itself: bool| {
            if !by_itself {
                waiting.abort();
            }
        };
        Started {
            answer: Rc::new(Broken(refused())),
            session: Some(Session::elsewhere(ends)),
        }
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
        if !(self.post)(self.job(&origin, target, work)) {
            return Err(EventError::Shutdown);
        }
        response.await.unwrap_or(Err(EventError::Shutdown)).map(Into::into)
    }
}

fn plain(bytes: Bytes) -> Payload {
    Payload {
        bytes,
        capabilities: Vec::new(),
        streams: Vec::new(),
    }
}

/// Does what other threads hand to this one's agents.
pub(super) async fn serve(cells: Weak<AgentCells>, mut jobs: mpsc::UnboundedReceiver<FarJob>) {
    while let Some(job) = jobs.recv().await {
        let Some(cells) = cells.upgrade() else { return };
        job.run(&cells);
    }
}

impl FarJob {
    /// The part of the way that it is.
    pub(super) fn trace(&self) -> TraceIds {
        self.trace.clone()
    }

    /// Nobody takes it.
    pub(super) fn refuse(self) {
        self.work.refuse();
    }

    /// Calls the agent here.
    pub(super) fn run(self, cells: &Rc<AgentCells>) {
        let Self {
            route,
            entrypoint,
            props,
            trace,
            work,
        } = self;
        let callee = Rc::clone(cells).callee((route.from, &route.caller), &route.id);
        let trace = Trace::moved(trace);
        let Some(callee) = callee else {
            work.refuse();
            return;
        };
        if let Some(account) = &callee.account {
            trace.is_for(account);
        }
        let origin = Origin {
            caller: callee.caller,
            trace: Rc::new(trace),
        };
        work.begin(callee, origin, Target::Entrypoint { entrypoint, props });
    }
}

impl Work {
    fn refuse(self) {
        match self {
            Self::Request(_, reply) => {
                let _ = reply.send(Err(EventError::Shutdown));
            }
            Self::Call { reply, .. } => {
                let _ = reply.send(Err(Failure::new(
                    "Error",
                    "RPC failed: the agent can not be called now",
                )));
            }
        }
    }

    fn begin(self, callee: Callee, origin: Origin, target: Target) {
        let account = callee.account.as_ref().map(Arc::clone);
        match self {
            Self::Request(request, mut reply) => {
                let working = callee.cell.dispatch_to((*request).into(), origin, Some(target));
                spawn(metered(account, async move {
                    let answered = tokio::select! {
                        biased;
                        () = reply.closed() => return,
                        answered = working => answered,
                    };
                    let _ = reply.send(answered.map(Into::into));
                }));
            }
            Self::Call {
                path,
                arguments,
                mut reply,
            } => {
                let (tell, told) = oneshot::channel();
                let call = Call {
                    path,
                    arguments: arguments.map(plain),
                    reply: ReplyTo::new(move |outcome| {
                        let _ = tell.send(outcome);
                    }),
                };
                let started = callee.cell.call(call, origin, 0, Some(target));
                spawn(metered(account, async move {
                    let outcome = tokio::select! {
                        biased;
                        // What was begun ends with `started`.
                        () = reply.closed() => return,
                        outcome = told => outcome,
                    };
                    let answer = match outcome {
                        Ok(Outcome::Value { payload, .. }) if payload.holds() => Err(Failure::new("TypeError", PLAIN)),
                        Ok(Outcome::Value { payload, .. }) => {
                            // It goes on for as long as it wants.
                            if let Some(session) = started.session {
                                session.done();
                            }
                            Ok(payload.bytes)
                        }
                        Ok(Outcome::Failed(failure)) => Err(failure),
                        Err(_) => Err(Failure::canceled()),
                    };
                    let _ = reply.send(answer);
                }));
            }
        }
    }
}
