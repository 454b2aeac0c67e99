//! Calls that this end makes: of what the other end has given, of services, and of results that are still to come.

use std::rc::Rc;

use bytes::Bytes;
use deno_core::unsync::spawn;
use tokio::sync::oneshot;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::rpc::{
    self, Broken, Capability, Crossed, Crossing, Failure, Outcome, Payload, Remote, ReplyTo, Session, Started,
};

use super::bridge::Bridge;
use super::content::{self, Content, collect};
use super::message::{self, Begin, NAMES, Target};
use super::reply::{self, Replied};
use super::table::Table;
use crate::boundary::link::{Call, Incoming, LinkError, Outgoing};
use crate::boundary::loaded::LoadedWorker;

const TOO_MANY: &str = "RPC failed: too many calls are under way at once";
const LONG: &str = "RPC failed: the names of a call are too long";

/// Something that the other end has given.
pub(super) struct Given {
    bridge: Rc<Bridge>,
    number: u32,
}

impl Given {
    pub(super) fn of(bridge: &Rc<Bridge>, number: u32) -> Result<Capability, LinkError> {
        bridge.holds()?;
        Ok(Rc::new(Self {
            bridge: Rc::clone(bridge),
            number,
        }))
    }
}

impl Remote for Given {
    fn call(&self, call: rpc::Call) -> Started {
        self.bridge.send(Target::Given(self.number), call)
    }

    fn watch(&self, told: ReplyTo) {
        self.bridge.watch(Target::Given(self.number), told);
    }

    fn crossing(&self) -> Option<Crossing> {
        Some(Crossing {
            bridge: self.bridge.id(),
            what: Crossed::Given(self.number),
        })
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        self.bridge.gives_back(self.number);
    }
}

/// What comes of a call.
struct Answer {
    bridge: Rc<Bridge>,
    call: u32,
}

impl Remote for Answer {
    fn call(&self, call: rpc::Call) -> Started {
        self.bridge.send(Target::Answer(self.call), call)
    }

    fn watch(&self, told: ReplyTo) {
        self.bridge.watch(Target::Answer(self.call), told);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.bridge.forgets(self.call);
    }
}

/// A service of the agent's.
struct Service {
    bridge: Rc<Bridge>,
    place: u32,
    /// Who calls it, where the agent has loaded that.
    by: Option<Rc<LoadedWorker>>,
}

impl Remote for Service {
    fn call(&self, call: rpc::Call) -> Started {
        self.bridge.send(Target::Service(self.place, self.by.clone()), call)
    }

    fn watch(&self, told: ReplyTo) {
        self.bridge.watch(Target::Service(self.place, self.by.clone()), told);
    }

    fn crossing(&self) -> Option<Crossing> {
        // What a loaded worker hands on is called in its name.
        self.by.is_none().then(|| Crossing {
            bridge: self.bridge.id(),
            what: Crossed::Service(self.place),
        })
    }
}

/// A call that can be sent: what it says, and what waits for what comes of it.
struct Ready {
    path: Vec<String>,
    table: Table,
    bytes: Option<Bytes>,
    reply: ReplyTo,
}

impl Bridge {
    /// A service of the agent's, by its place, as its event calls it, or a worker that it has loaded.
    pub(crate) fn service(self: &Rc<Self>, place: u32, by: Option<Rc<LoadedWorker>>) -> Capability {
        Rc::new(Service {
            bridge: Rc::clone(self),
            place,
            by,
        })
    }

    /// Makes a call ready, or refuses it.
    fn ready(&self, call: rpc::Call) -> Result<Ready, Started> {
        let rpc::Call { path, arguments, reply } = call;
        if self.is_closed() {
            return Err(Broken::refuse(reply, Failure::canceled()));
        }
        if path.iter().map(String::len).sum::<usize>() > NAMES {
            return Err(Broken::refuse(reply, Failure::new("TypeError", LONG)));
        }
        if !self.connection.has_room() {
            return Err(Broken::refuse(reply, Failure::new("Error", TOO_MANY)));
        }
        let described = match arguments {
            Some(Payload {
                bytes,
                capabilities,
                streams,
            }) => self.describe(capabilities, streams).map(|table| (Some(bytes), table)),
            None => Ok((None, Table::default())),
        };
        match described {
            Ok((bytes, table)) => Ok(Ready {
                path,
                table,
                bytes,
                reply,
            }),
            Err(why) => Err(Broken::refuse(reply, why)),
        }
    }

    /// Calls something of the other end's.
    fn send(self: &Rc<Self>, target: Target, call: rpc::Call) -> Started {
        let Ready {
            path,
            table,
            bytes,
            reply,
        } = match self.ready(call) {
            Ok(ready) => ready,
            Err(refused) => return refused,
        };
        let follows = content::follows(bytes.as_ref());
        let number = self.connection.next();
        let made = self.connection.call(number, !follows, |out| {
            message::write_call(out, (self.event, &target), (&path, &table, bytes.as_ref()));
        });
        let Ok(Call { outgoing, incoming }) = made else {
            return Broken::refuse(reply, Failure::new("Error", TOO_MANY));
        };
        let sending = async move {
            if let Some(bytes) = bytes.filter(|_| follows)
                && outgoing.send(bytes).await.is_ok()
            {
                outgoing.end();
            }
        };
        self.wait(incoming, sending, reply);
        Started {
            answer: Rc::new(Answer {
                bridge: Rc::clone(self),
                call: number,
            }),
            session: None,
        }
    }

    /// Begins the event that this bridge is of, with a call. The event ends once nobody wants it, or by itself.
    pub(crate) fn begin(self: &Rc<Self>, begin: Begin<'_>, call: rpc::Call) -> Result<Started, Started> {
        let Ready {
            path,
            table,
            bytes,
            reply,
        } = {
            self.begins.set(true);
            let ready = self.ready(call);
            self.begins.set(false);
            ready?
        };
        let made = self.connection.call(self.event, false, |out| {
            message::write_begin(out, begin, (&path, &table, bytes.as_ref()));
        });
        let Ok(Call { outgoing, incoming }) = made else {
            return Err(Broken::refuse(reply, Failure::new("Error", TOO_MANY)));
        };
        let (ends, ended) = oneshot::channel();
        spawn(say(
            outgoing,
            bytes.filter(|bytes| content::follows(Some(bytes))),
            ended,
        ));
        self.wait(incoming, std::future::ready(()), reply);
        Ok(Started {
            answer: Rc::new(Answer {
                bridge: Rc::clone(self),
                call: self.event,
            }),
            session: Some(Session::elsewhere(move |by_itself| {
                let _ = ends.send(by_itself);
            })),
        })
    }

    /// Waits for what comes of a call, while its arguments are sent.
    fn wait(self: &Rc<Self>, incoming: Incoming, sending: impl Future<Output = ()> + 'static, reply: ReplyTo) {
        let bridge = Rc::clone(self);
        let waiting = async move {
            let outcome = {
                let mut came = std::pin::pin!(bridge.came(incoming));
                // It may be answered before all of it was sent.
                tokio::select! {
                    biased;
                    outcome = &mut came => outcome,
                    () = sending => came.await,
                }
            };
            reply.send(outcome);
        };
        spawn(metered(self.side.account(), waiting));
    }

    async fn came(self: &Rc<Self>, incoming: Incoming) -> Outcome {
        let head = tokio::select! {
            biased;
            head = incoming.head() => head,
            () = self.closed() => return Outcome::Failed(self.side.lost()),
        };
        let Ok(head) = head else {
            return Outcome::Failed(self.side.lost());
        };
        let read = reply::read(&head).and_then(|replied| match replied {
            Replied::Value {
                table,
                content,
                disposer,
            } => Ok(Ok((self.take(&table)?, content, disposer))),
            Replied::Failed(failure) => Ok(Err(failure)),
        });
        let (mut payload, content, disposer) = match read {
            Ok(Ok(value)) => value,
            Ok(Err(failure)) => return Outcome::Failed(failure),
            Err(error) => {
                self.side.broken(&error);
                return Outcome::Failed(Failure::canceled());
            }
        };
        payload.bytes = match content {
            Content::None => Bytes::new(),
            Content::Here(bytes) => bytes,
            Content::Follows(length) => {
                let _room = match self.side.room(length) {
                    Ok(room) => room,
                    Err(why) => return Outcome::Failed(why),
                };
                match collect(&incoming, length).await {
                    Ok(bytes) => bytes,
                    Err(_) => return Outcome::Failed(Failure::canceled()),
                }
            }
        };
        Outcome::Value { payload, disposer }
    }

    /// Has this told once something of the other end's can be called no longer.
    fn watch(self: &Rc<Self>, target: Target, told: ReplyTo) {
        if self.is_closed() || !self.connection.has_room() {
            return;
        }
        let number = self.connection.next();
        let made = self
            .connection
            .call(number, true, |out| message::write_watch(out, self.event, &target));
        if let Ok(Call { incoming, .. }) = made {
            self.wait(incoming, std::future::ready(()), told);
        }
    }
}

/// Sends arguments, and says how the event is to end once that is known.
async fn say(outgoing: Outgoing, bytes: Option<Bytes>, mut ended: oneshot::Receiver<bool>) {
    if let Some(bytes) = bytes {
        tokio::select! {
            biased;
            sent = outgoing.send(bytes) => if sent.is_err() { return },
            // Nobody wants it any longer.
            by_itself = &mut ended => if by_itself != Ok(true) { return },
        }
    }
    if ended.await == Ok(true) {
        outgoing.end();
    }
}
