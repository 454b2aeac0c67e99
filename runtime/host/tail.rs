//! Tells tail workers of an event that has ended: https://developers.cloudflare.com/workers/runtime-apis/handlers/tail/.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};
use workerd_lite_ops::rpc::{Call, Outcome, Payload, Remote, ReplyTo, Started, plain};
use workerd_lite_ops::{Origin, Target};

use super::callable::Callable;

/// Who is told of an agent's events: an entrypoint with a `tail()` handler, the default one without a name.
#[derive(Debug, Clone)]
pub enum TailWorker {
    /// The policy's.
    Policy(Option<String>),
    /// Another agent's of the same tenant, by its name.
    Agent(String, Option<String>),
}

/// An entrypoint of a cell, by its name.
pub(super) struct Entrypoint {
    pub(super) handle: Callable,
    pub(super) origin: Origin,
    pub(super) target: Target,
}

impl Remote for Entrypoint {
    fn call(&self, call: Call) -> Started {
        self.handle
            .call(call, self.origin.clone(), 0, Some(self.target.clone()))
    }
}

/// An entrypoint without props.
pub(super) fn target(entrypoint: Option<&String>) -> Target {
    Target::Entrypoint {
        entrypoint: entrypoint.cloned(),
        props: "{}".to_owned(),
    }
}

/// What a tail worker's handler is called.
const HANDLER: &str = "tail";

/// Where a tail worker's event comes from: its own tail workers are told of it, and nobody of theirs.
pub(super) fn origin(of: &Origin) -> Origin {
    let trace = of.trace.child();
    trace.tails.set(of.trace.tails.get().saturating_add(1));
    Origin {
        caller: of.caller,
        trace: Rc::new(trace),
    }
}

/// Calls a tail worker's handler with one `TraceItem`. Its failure is the owner's to read.
pub(super) fn tell(worker: &dyn Remote, script: &str, item: &Value) {
    let kept: Rc<RefCell<Option<Started>>> = Rc::default();
    let (begun, script) = (Rc::clone(&kept), script.to_owned());
    let reply = ReplyTo::new(move |outcome| {
        // Its event goes on for as long as it wants.
        if let Some(session) = begun.take().and_then(|started| started.session) {
            session.done();
        }
        if let Outcome::Failed(why) = outcome {
            let told = if why.stack.is_empty() { &why.message } else { &why.stack };
            tracing::warn!(target: "worker", worker = script, "its tail worker failed: {told}");
        }
    });
    let arguments = Payload {
        bytes: plain(&json!([[item]])).into(),
        capabilities: Vec::new(),
        streams: Vec::new(),
    };
    let started = worker.call(Call {
        path: vec![HANDLER.to_owned()],
        arguments: Some(arguments),
        reply,
    });
    kept.replace(Some(started));
}
