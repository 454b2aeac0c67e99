//! The line between an agent and its policy: what is called over it is judged, counted and recorded, and whatever comes back over it is
//! called over it as well.

use std::rc::Rc;
use std::sync::Arc;

use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::rpc::{Broken, Call, Capability, Ends, Failure, Outcome, Payload, Remote, ReplyTo, Started};
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{Origin, Target, Termination, worker_log};

use super::callable::Callable;
use super::grant::{Grant, Offers};
use crate::audit::{By, Calling, Verdict};
use crate::egress::Network;
use crate::identity::Attested;
use crate::metrics;

/// One agent's line to one service.
pub(super) struct Line {
    pub(super) network: Arc<Network>,
    pub(super) agent: Rc<Attested>,
    /// Both ends, as places in the project: what is behind the line on one side is not wrapped twice on the way back. The policy has none.
    pub(super) ends: (usize, Option<usize>),
    pub(super) grant: Rc<Grant>,
    pub(super) trace: Rc<Trace>,
}

/// The entrypoint itself: each call of it is an event.
pub(super) struct Service {
    pub(super) line: Rc<Line>,
    pub(super) cell: Callable,
    pub(super) origin: Origin,
    pub(super) door: u32,
    /// On whose behalf it is called, or which entrypoint, where that is not the caller's way in.
    pub(super) target: Option<Target>,
}

/// Something on the other side of the line.
struct Across {
    line: Rc<Line>,
    inner: Capability,
    /// Whether the agent holds it, and the policy has given it.
    outward: bool,
}

impl Line {
    fn wrap(self: &Rc<Self>, capability: Capability, outward: bool) -> Capability {
        match capability.behind() {
            Some((ends, inner)) if ends == self.ends => inner,
            _ => Rc::new(Across {
                line: Rc::clone(self),
                inner: capability,
                outward,
            }),
        }
    }

    fn payload(self: &Rc<Self>, payload: Payload, outward: bool) -> Payload {
        let capabilities = payload.capabilities.into_iter();
        let hides = outward && self.is_to_policy();
        let streams = payload.streams.into_iter();
        Payload {
            bytes: payload.bytes,
            capabilities: capabilities.map(|each| self.wrap(each, outward)).collect(),
            streams: streams
                .map(|each| if hides { each.without_reasons() } else { each })
                .collect(),
        }
    }

    pub(super) fn is_to_policy(&self) -> bool {
        self.ends.1.is_none()
    }

    /// What an agent is told of a policy's failure: at most a name and a message. The owner reads all of it.
    fn told(&self, failure: Failure) -> Failure {
        if !self.is_to_policy() {
            return failure;
        }
        if failure.told {
            return Failure { value: None, ..failure };
        }
        let why = if failure.stack.is_empty() {
            failure.message
        } else {
            failure.stack
        };
        self.tell_owner(&why);
        Failure::new("Error", "internal error")
    }

    /// Tells the owner why the service failed.
    pub(super) fn tell_owner(&self, why: &str) {
        let request_id = self.trace.request_id();
        if !worker_log::note(|| format!("a service failed: {why}")) {
            tracing::error!(target: "outbound", agent = self.agent.name, tenant = self.agent.tenant, request_id = &*request_id, "the service {} failed: {why}", self.grant.binding);
        }
    }

    /// A call over the line: of the agent's, which is recorded, or of the policy's.
    fn cross(self: &Rc<Self>, call: Call, outward: bool, send: impl FnOnce(Call) -> Started) -> Started {
        let Call { path, arguments, reply } = call;
        let sent = arguments.as_ref().map_or(0, |arguments| arguments.bytes.len());
        let mut calling = outward.then(|| self.calling(&path.join("."), sent));
        let arguments = arguments.map(|arguments| self.payload(arguments, !outward));
        let line = Rc::clone(self);
        let reply = ReplyTo::new(move |outcome| {
            reply.send(match outcome {
                Outcome::Value { payload, disposer } => {
                    if let Some(calling) = &mut calling {
                        calling.answered(payload.bytes.len());
                    }
                    Outcome::Value {
                        payload: line.payload(payload, outward),
                        disposer,
                    }
                }
                Outcome::Failed(failure) if outward => {
                    if let Some(calling) = &mut calling {
                        match failure.stopped {
                            Some(why) => line.stopped(calling, why),
                            None => calling.failed(&failure.name),
                        }
                    }
                    Outcome::Failed(line.told(failure))
                }
                failed @ Outcome::Failed(_) => failed,
            });
            drop(calling);
        });
        let Started { answer, session } = send(Call { path, arguments, reply });
        Started {
            answer: self.wrap(answer, outward),
            session,
        }
    }

    /// Begins the record of a call, which brings so many bytes.
    pub(super) fn calling(&self, method: &str, sent: usize) -> Calling {
        let entrypoint = self.grant.entrypoint.as_deref().unwrap_or("default");
        let names = (self.grant.binding.as_str(), entrypoint, method);
        self.network.calling(&self.agent, &self.trace, names, sent)
    }

    /// What is behind it was stopped while it was called. Of the policy that is recorded of the agent that asked, as where a request of its own
    /// was judged; of another agent, of that one.
    pub(super) fn stopped(&self, calling: &mut Calling, why: Termination) {
        let id = match &self.grant.offers {
            Offers::Agent(id) => {
                calling.stopped("the worker was stopped");
                id.clone()
            }
            Offers::Outbound | Offers::Assets => {
                calling.stopped("the outbound worker failed");
                if !matches!(why, Termination::Cpu | Termination::Memory) {
                    return;
                }
                let configured = self.agent.parent.as_ref().unwrap_or(&self.agent.name);
                AgentId::new(self.agent.tenant.as_deref(), configured)
            }
        };
        metrics::ended(&id, why);
        if let Some(audit) = &self.network.audit {
            audit.ended(&id, why, &self.trace.request_id());
        }
    }

    /// Why a method that was not granted is not called. It is recorded.
    pub(super) fn denied(&self, method: &str, sent: usize) -> String {
        self.calling(method, sent).verdict(Verdict::Deny, By::Rule);
        format!(
            "{}.{method}() is not among the methods that this agent may call",
            self.grant.binding
        )
    }

    fn refused(&self, call: Call) -> Started {
        let sent = call.arguments.as_ref().map_or(0, |arguments| arguments.bytes.len());
        let why = self.denied(&call.path.join("."), sent);
        Broken::refuse(call.reply, Failure::new("TypeError", why))
    }
}

impl Remote for Service {
    fn call(&self, call: Call) -> Started {
        if !call.path.first().is_some_and(|method| self.line.grant.allows(method)) {
            return self.line.refused(call);
        }
        self.line.cross(call, true, |call| {
            self.cell
                .call(call, self.origin.clone(), self.door, self.target.clone())
        })
    }
}

impl Remote for Across {
    fn call(&self, call: Call) -> Started {
        self.line.cross(call, self.outward, |call| self.inner.call(call))
    }

    fn nudge(&self) {
        self.inner.nudge();
    }

    fn watch(&self, told: ReplyTo) {
        self.inner.watch(told);
    }

    fn behind(&self) -> Option<(Ends, Capability)> {
        Some((self.line.ends, Rc::clone(&self.inner)))
    }
}
