//! Services of an agent in a process: a call of a method goes over the link, and its value comes back.

use std::rc::Rc;

use bytes::Bytes;
use deno_core::unsync::spawn;
use workerd_lite_ops::rpc::{Broken, Call, Failure, Outcome, Payload, Remote, ReplyTo, Started};

use super::event::LinkEvent;
use crate::boundary::{Called, Calling, Connection, Outgoing, call_service, send_arguments};

/// What does not pass a link.
const HOLDS: &str =
    "functions, stubs and streams can not be passed to or from an agent in a process of its own: pass plain values";
const PIPELINED: &str =
    "the result of a call can not be called before it is there by an agent in a process of its own: await it";
const TOO_MANY: &str = "too many calls are under way at once";

/// One service, as an event has it. It keeps no event from its end.
pub(super) struct Service {
    connection: Connection,
    event: u32,
    /// Its place among its agent's.
    place: u32,
}

impl Service {
    pub(super) fn of(event: &LinkEvent, place: u32) -> Self {
        Self {
            connection: event.connection.clone(),
            event: event.number,
            place,
        }
    }
}

fn holds(payload: &Payload) -> bool {
    !payload.capabilities.is_empty() || !payload.streams.is_empty()
}

impl Remote for Service {
    fn call(&self, call: Call) -> Started {
        if call.arguments.as_ref().is_some_and(holds) {
            return Broken::refuse(call, Failure::new("TypeError", HOLDS));
        }
        let Call { path, arguments, reply } = call;
        let arguments = arguments.map(|arguments| arguments.bytes);
        let called = Called {
            event: self.event,
            service: self.place,
            path,
            arguments: arguments.as_ref().map(Bytes::len),
        };
        match call_service(&self.connection, &called, arguments.as_ref()) {
            Some((calling, outgoing)) => {
                spawn(run(calling, outgoing.zip(arguments), reply));
            }
            None => reply.send(Outcome::Failed(Failure::new("Error", TOO_MANY))),
        }
        Started {
            answer: Rc::new(Broken(Failure::new("TypeError", PIPELINED))),
            session: None,
        }
    }
}

async fn run(calling: Calling, arguments: Option<(Outgoing, Bytes)>, reply: ReplyTo) {
    let sending = async {
        if let Some((outgoing, arguments)) = arguments {
            send_arguments(outgoing, arguments).await;
        }
    };
    // It may answer before it has all of them.
    let (came, ()) = tokio::join!(calling.came(), sending);
    reply.send(match came {
        Ok(Ok(bytes)) => Outcome::Value {
            payload: Payload {
                bytes,
                capabilities: Vec::new(),
                streams: Vec::new(),
            },
            disposer: false,
        },
        Ok(Err(failure)) => Outcome::Failed(failure),
        Err(_) => Outcome::Failed(Failure::canceled()),
    });
}
