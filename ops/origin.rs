//! Who causes an event: its id, its caller, and its place in the request's trace.

use std::rc::Rc;

use crate::trace::Trace;

/// Names one event within its isolate.
pub type EventId = u32;

/// Who calls: a place in the list of callers that an isolate was booted with. An agent's isolate has one.
pub type CallerId = u32;

/// What an event calls, other than what its caller calls always.
#[derive(Debug, Clone)]
pub enum Target {
    /// What its caller calls, on behalf of this agent: `ctx.agent`, as JSON.
    Agent(Rc<str>),
    /// One of the ways in that its caller has, by its place among them; on behalf of this agent, where that is not the caller.
    Door(u32, Option<Rc<str>>),
    /// An entrypoint, the default one without a name.
    Entrypoint {
        /// The export's name.
        entrypoint: Option<String>,
        /// `ctx.props`, as JSON.
        props: String,
    },
}

/// Where an event comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Who is calling, by its place among the callers that the isolate was booted with.
    pub caller: CallerId,
    /// Its part of the request's way.
    pub trace: Rc<Trace>,
}
