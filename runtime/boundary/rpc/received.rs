//! Calls that the other end makes. They begin in the order of their heads, whatever of their arguments is still to come.

use std::any::Any;
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;

use deno_core::unsync::spawn;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::rpc::{self, Capability, Failure, Outcome, Payload, ReplyTo, Session, Started};

use super::bridge::Bridge;
use super::content::{self, Content, collect};
use super::message::{self, Opened, Said, Target};
use super::reply;
use crate::boundary::cursor::Cursor;
use crate::boundary::heads::{CALLS, DRAWS, STREAMS, WATCHES};
use crate::boundary::link::{Call, Incoming, LinkError, Outgoing};

const TOO_MANY: &str = "RPC failed: the event has too much to do at once";

/// What a stream says that is for an event that has not begun.
const EARLY: u8 = 1;

/// What has come for an event's bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// A call.
    Call,
    /// A stream, or somebody who wants to hear of an end.
    Other,
    /// A stream for an event that begins with what follows.
    Early,
}

impl Came {
    /// What a head is, where it is for a bridge, and for which event's.
    pub(crate) fn of(head: &[u8]) -> Option<(Self, u32)> {
        let (kind, rest) = head.split_first()?;
        let event = u32::from_le_bytes(*rest.first_chunk()?);
        match *kind {
            CALLS => Some((Self::Call, event)),
            STREAMS | DRAWS if rest.get(4) == Some(&EARLY) => Some((Self::Early, event)),
            WATCHES | STREAMS | DRAWS => Some((Self::Other, event)),
            _ => None,
        }
    }
}

/// The names of a call, its arguments as far as they are there, and how many bytes of them follow.
type Read = (Vec<String>, Option<Payload>, Option<usize>);

/// A call that has not begun.
pub(super) struct Waiting {
    target: Target,
    path: Vec<String>,
    arguments: Option<Payload>,
    /// How many bytes of its arguments are still to come.
    follows: Option<usize>,
    /// What its head takes, until it is answered.
    room: Box<dyn Any>,
    call: Call,
}

/// Refuses a call.
pub(crate) fn refuse(call: &Call, why: &Failure) {
    call.outgoing.head(true, |out| reply::write_failure(out, why, false));
}

impl Bridge {
    /// Something has come for it.
    pub(crate) fn came_over(self: &Rc<Self>, head: &[u8], call: Call) -> Result<(), LinkError> {
        let mut cursor = Cursor::new(head);
        let (kind, _) = (cursor.byte()?, cursor.u32()?);
        match kind {
            CALLS => {
                let (target, said) = message::read_call(cursor)?;
                let (path, arguments, follows) = self.read(said)?;
                match self.side.room(head.len()) {
                    Ok(room) => self.queue(Waiting {
                        target,
                        path,
                        arguments,
                        follows,
                        room,
                        call,
                    }),
                    Err(why) => refuse(&call, &why),
                }
                Ok(())
            }
            WATCHES => {
                let target = message::read_watch(cursor)?;
                let Call { outgoing, .. } = call;
                if let Ok(capability) = self.target(&target) {
                    capability.watch(ReplyTo::new(move |outcome| {
                        let why = match outcome {
                            Outcome::Failed(why) => why,
                            Outcome::Value { .. } => Failure::canceled(),
                        };
                        outgoing.head(true, |out| reply::write_failure(out, &why, false));
                    }));
                }
                Ok(())
            }
            _ => {
                if cursor.byte()? > EARLY {
                    return Err(LinkError::Head("a stream is of no event"));
                }
                cursor.end()?;
                self.opened(call)
            }
        }
    }

    /// What is said in a call.
    fn read(self: &Rc<Self>, said: Said) -> Result<Read, LinkError> {
        let Said { path, table, content } = said;
        // It is taken now: what is given back behind this head is given back then.
        let payload = self.take(&table)?;
        let (arguments, follows) = match content {
            Content::None => (None, None),
            Content::Here(bytes) => (Some(Payload { bytes, ..payload }), None),
            Content::Follows(length) => (Some(payload), Some(length)),
        };
        Ok((path, arguments, follows))
    }

    fn target(&self, target: &Target) -> Result<Capability, Failure> {
        match *target {
            Target::Service(place, ref by) => self.side.service(place, by.as_deref()),
            Target::Given(number) => self.is_given(number).ok_or_else(Failure::gone),
            Target::Answer(call) => self.answers.borrow().get(&call).cloned().ok_or_else(Failure::gone),
        }
    }

    fn queue(self: &Rc<Self>, waiting: Waiting) {
        if !self.may_work() {
            return refuse(&waiting.call, &Failure::new("Error", TOO_MANY));
        }
        if waiting.follows.is_none() && !self.works.get() {
            return self.start(waiting, None);
        }
        self.waiting.borrow_mut().push_back(waiting);
        if self.works.replace(true) {
            return;
        }
        let bridge = Rc::clone(self);
        spawn(metered(self.side.account(), async move {
            tokio::select! {
                () = bridge.work() => {}
                () = bridge.closed() => {}
            }
        }));
    }

    /// Begins what waits, in its order.
    async fn work(self: &Rc<Self>) {
        loop {
            let Some(mut next) = self.waiting.borrow_mut().pop_front() else {
                self.works.set(false);
                return;
            };
            let room = match self.rest(&mut next).await {
                Ok(room) => room,
                Err(why) => {
                    refuse(&next.call, &why);
                    continue;
                }
            };
            self.start(next, room);
        }
    }

    /// Waits for the rest of a call's arguments. Gives what they take.
    async fn rest(&self, of: &mut Waiting) -> Result<Option<Box<dyn Any>>, Failure> {
        let (Some(length), Some(arguments)) = (of.follows.take(), &mut of.arguments) else {
            return Ok(None);
        };
        let room = self.side.room(length)?;
        let came = collect(&of.call.incoming, length).await;
        arguments.bytes = came.map_err(|_| Failure::canceled())?;
        Ok(Some(room))
    }

    fn start(self: &Rc<Self>, of: Waiting, room: Option<Box<dyn Any>>) {
        let Waiting {
            target,
            path,
            arguments,
            call,
            room: head,
            ..
        } = of;
        let capability = match self.target(&target) {
            Ok(capability) => capability,
            Err(why) => return refuse(&call, &why),
        };
        let number = call.number();
        let Call { outgoing, incoming } = call;
        // An answer may be there before this returns.
        let settled = Rc::new(Cell::new(None));
        let reply = {
            let (bridge, settled) = (Rc::clone(self), Rc::clone(&settled));
            ReplyTo::new(move |outcome| {
                drop((incoming, head, room));
                let held = matches!(&outcome, Outcome::Value { payload, disposer } if *disposer || payload.holds());
                settled.set(Some(held));
                bridge.reply(outgoing, outcome);
                bridge.settled(number, held);
            })
        };
        let Started { answer, session } = capability.call(rpc::Call { path, arguments, reply });
        if self.is_closed() {
            return;
        }
        self.answers.borrow_mut().insert(number, answer);
        if let Some(session) = session {
            self.begun.borrow_mut().insert(number, session);
            if let Some(held) = settled.get() {
                self.settled(number, held);
            }
        }
    }

    /// Says what came of a call.
    fn reply(&self, outgoing: Outgoing, outcome: Outcome) {
        let described = match outcome {
            Outcome::Value { payload, disposer } => {
                let Payload {
                    bytes,
                    capabilities,
                    streams,
                } = payload;
                self.describe(capabilities, streams)
                    .map(|table| (table, bytes, disposer))
            }
            Outcome::Failed(why) => Err(why),
        };
        match described {
            Ok((table, bytes, disposer)) => {
                let follows = content::follows(Some(&bytes));
                outgoing.head(!follows, |out| reply::write_value(out, &table, &bytes, disposer));
                if follows {
                    spawn(async move {
                        if outgoing.send(bytes).await.is_ok() {
                            outgoing.end();
                        }
                    });
                }
            }
            Err(why) => outgoing.head(true, |out| {
                reply::write_failure(out, &why, self.side.tells_stacks());
            }),
        }
    }

    /// A call has come that begins this bridge's event. `begin` begins it.
    pub(crate) fn begins(
        self: &Rc<Self>,
        opened: Opened<'_>,
        call: Call,
        begin: impl FnOnce(rpc::Call) -> Started + 'static,
    ) -> Result<(), LinkError> {
        let (path, arguments, follows) = self.read(opened.said)?;
        let number = call.number();
        let Call { outgoing, incoming } = call;
        let bridge = Rc::clone(self);
        let start = move |arguments: Option<Payload>| {
            let replies = Rc::clone(&bridge);
            let reply = ReplyTo::new(move |outcome| replies.reply(outgoing, outcome));
            let Started { answer, session } = begin(rpc::Call { path, arguments, reply });
            bridge.answers.borrow_mut().insert(number, answer);
            session
        };
        match follows {
            None => {
                let session = start(arguments);
                spawn(attend(incoming, session));
            }
            Some(length) => {
                spawn(async move {
                    let Ok(bytes) = collect(&incoming, length).await else {
                        return;
                    };
                    let session = start(arguments.map(|payload| Payload { bytes, ..payload }));
                    attend(incoming, session).await;
                });
            }
        }
        Ok(())
    }
}

/// Lets what was begun end as whoever has begun it says.
async fn attend(incoming: Incoming, session: Option<Session>) {
    let ended = loop {
        match poll_fn(|cx| incoming.poll_bytes(cx)).await {
            Some(Ok(_)) => {}
            ended => break ended,
        }
    };
    if let (None, Some(session)) = (ended, session) {
        session.done();
    }
}
