//! Calls between isolates: https://developers.cloudflare.com/workers/runtime-apis/rpc. A call is a message of bytes and a table of capabilities, and so is
//! its answer. Nothing of it needs both isolates on one thread: what a capability does with a call is its own business.

mod export;
mod failure;
mod ops;
mod pipe;
mod plain;
mod streams;
mod tables;
pub(crate) mod wire;

pub use export::{Export, Lent, Session};
pub use failure::Failure;
pub(crate) use ops::{
    op_rpc_call, op_rpc_drop, op_rpc_dup, op_rpc_fail, op_rpc_fetch, op_rpc_loopback, op_rpc_read_arguments,
    op_rpc_read_result, op_rpc_reply, op_rpc_watch, thrown,
};
pub use pipe::{PipeWriter, pipe};
pub use plain::{plain, read_plain};
pub use streams::{Held, Stream};
pub(crate) use streams::{
    op_rpc_decode, op_rpc_encode, op_rpc_pipe, op_rpc_pipe_end, op_rpc_pipe_fail, op_rpc_pipe_write,
};
pub use tables::{RpcScope, Running};

use std::rc::Rc;

use bytes::Bytes;

use crate::origin::EventId;

/// The most bytes of one message.
pub const MESSAGE: usize = 32 << 20;
/// The most stubs that an event holds, and the most that others hold of it.
pub const STUBS: usize = 1000;
/// The most calls of one event that have no answer yet.
pub const CALLS: usize = 1000;
/// The most names of a path.
pub const PATH: usize = 64;

/// Something that can be called, wherever it is. It is given back when the last of these is dropped.
pub type Capability = Rc<dyn Remote>;

/// What a membrane is between: places that the host has for workers.
pub type Ends = (usize, Option<usize>);

/// What a capability does.
pub trait Remote {
    /// Sends a call, in the order of the calls. Gives what stands for the result that is still to come.
    fn call(&self, call: Call) -> Started;

    /// Lets the other side see soon that something was given back.
    fn nudge(&self) {}

    /// Has this told once it can be called no longer, because what gave it has ended or was stopped.
    fn watch(&self, _told: ReplyTo) {}

    /// How the other end of a link knows it, where it is something of that end's.
    fn crossing(&self) -> Option<Crossing> {
        None
    }

    /// The membrane that it has passed, and what is behind it.
    fn behind(&self) -> Option<(Ends, Capability)> {
        None
    }
}

/// How an end of a link knows what it has given to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// Which link, and which event of it.
    pub bridge: u64,
    /// Which of its.
    pub what: Crossed,
}

/// What it was given as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossed {
    /// Something that it gave, by its number.
    Given(u32),
    /// A service of the agent's, by its place.
    Service(u32),
}

/// A call that was sent.
pub struct Started {
    /// Calls of this one wait for the result.
    pub answer: Capability,
    /// Ends what was begun for it when this is dropped.
    pub session: Option<Session>,
}

/// A value on its way.
pub struct Payload {
    /// As V8's serialiser has written it.
    pub bytes: Bytes,
    /// What its stubs are, by their numbers.
    pub capabilities: Vec<Capability>,
    /// What its streams are, likewise.
    pub streams: Vec<Stream>,
}

impl Payload {
    /// Whether something of who has sent it is held by whoever has it.
    pub fn holds(&self) -> bool {
        !self.capabilities.is_empty() || !self.streams.is_empty()
    }
}

/// A call on its way.
pub struct Call {
    /// The names from what is called to the method.
    pub path: Vec<String>,
    /// An array of arguments; none for the value of a property.
    pub arguments: Option<Payload>,
    /// Takes the answer.
    pub reply: ReplyTo,
}

/// The answer to a call.
pub enum Outcome {
    /// It brought something.
    Value {
        /// That.
        payload: Payload,
        /// Whether it wants to hear that nobody needs it any longer.
        disposer: bool,
    },
    /// It failed.
    Failed(Failure),
}

/// Takes one answer. Dropped without one, the call has failed.
pub struct ReplyTo(Option<Box<dyn FnOnce(Outcome)>>);

impl ReplyTo {
    /// Calls this with the answer.
    pub fn new(take: impl FnOnce(Outcome) + 'static) -> Self {
        Self(Some(Box::new(take)))
    }

    /// The answer.
    pub fn send(mut self, outcome: Outcome) {
        if let Some(take) = self.0.take() {
            take(outcome);
        }
    }
}

impl Drop for ReplyTo {
    fn drop(&mut self) {
        if let Some(take) = self.0.take() {
            take(Outcome::Failed(Failure::canceled()));
        }
    }
}

/// What fails each call, in the same words.
pub struct Broken(pub Failure);

impl Broken {
    /// Refuses a call, and all that is asked of its result.
    pub fn refuse(reply: ReplyTo, why: Failure) -> Started {
        reply.send(Outcome::Failed(why.clone()));
        Started {
            answer: Rc::new(Self(why)),
            session: None,
        }
    }
}

impl Remote for Broken {
    fn call(&self, call: Call) -> Started {
        Self::refuse(call.reply, self.0.clone())
    }

    fn watch(&self, told: ReplyTo) {
        told.send(Outcome::Failed(self.0.clone()));
    }
}

/// A call of something that an event has given to others.
pub struct Incoming {
    /// Whose.
    pub event: EventId,
    /// What is called: what the event gave, above zero, or the result of a call, below.
    pub number: i32,
    /// The result's number.
    pub answer: i32,
    /// The call.
    pub call: Call,
}

/// A call that begins an event.
pub struct Opening {
    /// The way in, among those of its caller.
    pub door: u32,
    /// The result's number.
    pub answer: i32,
    /// The call.
    pub call: Call,
    /// Whether somebody still wants it.
    pub wanted: Rc<std::cell::Cell<bool>>,
    /// Calls of its result that came before it began.
    pub early: Vec<Incoming>,
}
