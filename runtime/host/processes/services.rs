//! Calls of methods by agents in a process: each is judged, counted and recorded as one of an isolate in this process is.

use std::rc::Rc;

use deno_core::unsync::spawn;
use tokio::sync::oneshot;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::rpc::{self, Failure, Outcome, Payload, ReplyTo};
use workerd_lite_ops::{FetchError, Origin};

use super::egress::event;
use super::events::Event;
use super::link::Link;
use super::room::Room;
use crate::boundary::{Call, CallCame, LinkError};

/// What does not pass a link.
const HOLDS: &str = "the method gave functions, stubs, streams or what is to be disposed of, which can not be passed to an agent in a process of its own";

fn failed(error: &FetchError) -> Failure {
    Failure::new("TypeError", error.to_string())
}

/// Answers a call. Fails where no process of ours calls so.
pub(super) fn called(link: &Rc<Link>, head: &[u8], call: Call) -> Result<(), LinkError> {
    let came = CallCame::read(head, call)?;
    let event = event(link, came.called.event)?;
    let link = Rc::clone(link);
    spawn(async move {
        let result = tokio::select! {
            biased;
            result = answer(&link, event, &came) => result,
            () = came.unwanted() => return,
        };
        came.answer(result).await;
    });
    Ok(())
}

async fn answer(
    link: &Rc<Link>,
    event: Result<Rc<Event>, FetchError>,
    came: &CallCame,
) -> Result<bytes::Bytes, Failure> {
    let event = event.map_err(|error| failed(&error))?;
    let _slot = event.slots.acquire().await;
    let room = Room::of(link, came.called.arguments.unwrap_or(0)).map_err(|error| failed(&error))?;
    let arguments = came.arguments().await.map_err(|_| Failure::canceled())?;
    let gate = link.gates.get(event.agent).ok_or_else(Failure::gone)?;
    let origin = Origin {
        caller: 0,
        trace: Rc::clone(&event.trace),
    };
    let called = gate.service(&origin, came.called.service);
    let called = called.map_err(|error| failed(&error))?;
    let (reply, outcome) = oneshot::channel();
    let calling = async {
        let started = called.call(rpc::Call {
            path: came.called.path.clone(),
            arguments: arguments.map(|bytes| Payload {
                bytes,
                capabilities: Vec::new(),
                streams: Vec::new(),
            }),
            reply: ReplyTo::new(move |outcome| {
                let _ = reply.send(outcome);
            }),
        });
        let outcome = tokio::select! {
            biased;
            outcome = outcome => outcome.unwrap_or_else(|_| Outcome::Failed(Failure::canceled())),
            // What was begun for it ends with it.
            () = event.over() => Outcome::Failed(Failure::canceled()),
        };
        let fits = match &outcome {
            Outcome::Value { payload, disposer } => {
                !disposer && payload.capabilities.is_empty() && payload.streams.is_empty()
            }
            Outcome::Failed(_) => true,
        };
        if let Some(session) = started.session.filter(|_| fits && !event.is_over()) {
            session.done();
        }
        match outcome {
            Outcome::Value { payload, .. } if fits => Ok(payload.bytes),
            Outcome::Value { .. } => Err(Failure::new("TypeError", HOLDS)),
            Outcome::Failed(failure) => Err(failure),
        }
    };
    let result = metered(event.trace.account().cloned(), calling).await;
    drop(room);
    result
}
