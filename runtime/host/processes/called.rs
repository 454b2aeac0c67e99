//! An agent in a process, as others call it, or the policy in one, as it judges for an agent: each call and each request is an event of its own
//! there.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use deno_core::unsync::spawn;
use workerd_lite_ops::rpc::{Broken, Call, Failure, Outcome, ReplyTo, Session, Started};
use workerd_lite_ops::{EventError, Origin, Request, Response, Target};

use super::ProcessLinks;
use super::link::Link;
use crate::boundary::{Aim, UnderWay, What};
use crate::host::agent::Agent;
use crate::host::later::Later;

/// An agent in a process, or its policy.
#[derive(Clone)]
pub(in crate::host) struct Callee {
    links: Rc<ProcessLinks>,
    place: usize,
    agent: Arc<Agent>,
    /// The agent that calls it: its place, and `ctx.agent` as JSON. A policy is called by the agent that it judges for.
    caller: Option<(u32, Rc<str>)>,
}

/// An entrypoint without props.
const DEFAULT: What<'static> = What::Entrypoint(None, "{}");

impl Callee {
    /// The agent in this place of the project, or the policy as it judges for that.
    pub(in crate::host) fn new(links: &Rc<ProcessLinks>, (place, agent): (usize, &Arc<Agent>)) -> Self {
        Self {
            links: Rc::clone(links),
            place,
            agent: Arc::clone(agent),
            caller: None,
        }
    }

    /// The same, as another agent calls it, which is in this place of the project, and which it knows as this JSON.
    #[must_use]
    pub(in crate::host) fn called_by(mut self, place: usize, agent: &str) -> Self {
        self.caller = u32::try_from(place).ok().map(|place| (place, agent.into()));
        self
    }

    fn aim<'a>(&'a self, origin: &Origin, (door, target): (u32, Option<&'a Target>)) -> Aim<'a> {
        let tails = origin.trace.tails.get();
        if self.links.are_policys() {
            return Aim {
                caller: u32::try_from(self.place).ok().map(|place| (place, "")),
                what: target.into(),
                door,
                tails,
            };
        }
        Aim {
            caller: self.caller.as_ref().map(|(place, agent)| (*place, &**agent)),
            what: match target {
                Some(Target::Entrypoint { .. }) => target.into(),
                _ => DEFAULT,
            },
            door: 0,
            tails,
        }
    }

    /// Whether several call what is behind it, for each of whom it may be stopped.
    pub(in crate::host) fn is_shared(&self) -> bool {
        self.links.is_shared((self.place, &self.agent))
    }

    fn begin(
        &self,
        (link, under_way): (Rc<Link>, UnderWay),
        call: Call,
        origin: &Origin,
        target: (u32, Option<&Target>),
    ) -> Started {
        let called = self.links.called((self.place, &self.agent));
        if self.links.join(&link, (self.place, &self.agent)).is_err() {
            return Broken::refuse(call.reply, Failure::gone());
        }
        let aim = self.aim(origin, target);
        let trace = Rc::clone(&origin.trace);
        let Call { path, arguments, reply } = call;
        let (links, agent) = (Rc::clone(&self.links), Arc::clone(&self.agent));
        let reply = ReplyTo::new(move |outcome| {
            if let Outcome::Failed(Failure { stopped: Some(why), .. }) = &outcome {
                links.stopped(&agent, *why);
            }
            reply.send(outcome);
        });
        let call = Call { path, arguments, reply };
        link.begin((called.0, &called.1), call, (trace, aim), under_way)
    }

    /// Begins an event with a call. Where its process is not there, it begins once that is.
    pub(in crate::host) fn call(&self, call: Call, origin: Origin, door: u32, target: Option<Target>) -> Started {
        if let Some(ready) = self.links.begin_now((self.place, &self.agent)) {
            return self.begin(ready, call, &origin, (door, target.as_ref()));
        }
        let later = Later::new();
        let (answer, resolves) = later;
        let wanted = Rc::new(Wanted::default());
        let (callee, waits) = (self.clone(), Rc::clone(&wanted));
        spawn(async move {
            let ready = match callee.links.begin((callee.place, &callee.agent)).await {
                Ok(ready) => ready,
                Err(error) => {
                    let why = Failure::new("Error", error.details());
                    call.reply.send(Outcome::Failed(why.clone()));
                    return resolves.fail(why);
                }
            };
            if waits.ended.get() == Some(false) {
                return resolves.fail(Failure::canceled());
            }
            let started = callee.begin(ready, call, &origin, (door, target.as_ref()));
            resolves.resolve(started.answer);
            match (started.session, waits.ended.get()) {
                (Some(session), Some(true)) => session.done(),
                (Some(session), _) => {
                    waits.session.replace(Some(session));
                }
                (None, _) => {}
            }
        });
        Started {
            answer,
            session: Some(Session::elsewhere(move |by_itself| {
                wanted.ended.set(Some(by_itself));
                match wanted.session.take() {
                    Some(session) if by_itself => session.done(),
                    session => drop(session),
                }
            })),
        }
    }

    /// Begins an event with a request. Dropping the future cancels it.
    pub(in crate::host) async fn dispatch(
        self,
        request: Request,
        origin: Origin,
        target: Option<Target>,
    ) -> Result<Response, EventError> {
        let whose = (self.place, &self.agent);
        let (link, under_way) = self.links.begin(whose).await?;
        self.links.join(&link, whose)?;
        let aim = self.aim(&origin, (0, target.as_ref()));
        let trace = Rc::clone(&origin.trace);
        let called = self.links.called(whose);
        let answered = link.dispatch((called.0, &called.1), request, (trace, Some(aim)), under_way);
        answered.await.inspect_err(|error| {
            if let EventError::Terminated(why) = error {
                self.links.stopped(&self.agent, *why);
            }
        })
    }
}

/// Whether an event is still wanted that has not begun.
#[derive(Default)]
struct Wanted {
    /// Whether it may end by itself, once that is known.
    ended: Cell<Option<bool>>,
    session: RefCell<Option<Session>>,
}
