//! The worker process's side.

use std::io;
use std::time::Duration;

use miette::{IntoDiagnostic as _, Result, WrapErr as _};

use super::channel::{Channel, Message};
use super::crash_history::{self, Past};
use crate::isolate::crash_marker;
use crate::isolate::fatal_signals::notice_fatal_signals;
use crate::listen::Socket;

/// A process that is watched over.
#[derive(Debug)]
pub(crate) struct Supervised {
    channel: Channel,
    past: Past,
    sockets: Vec<Socket>,
    alive: Option<Duration>,
}

impl Supervised {
    /// Takes what the supervisor begins with.
    pub(crate) fn begin() -> Result<Self> {
        let begin = || {
            let channel = Channel::stdin()?;
            let Message::Begin {
                running,
                history,
                served,
                sockets,
                alive,
            } = channel.receive()?
            else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            let running = running.into();
            let mut past = crash_history::read(&running, &mut history.into())?;
            // One that was ended may have run no worker that a record would have: agents have processes, or nobody had asked.
            past.has_served |= served;
            watch_over(&channel)?;
            crash_marker::record_in(running);
            notice_fatal_signals();
            io::Result::Ok(Self {
                channel,
                past,
                sockets,
                alive,
            })
        };
        begin()
            .into_diagnostic()
            .wrap_err("this flag is for the program itself: no supervisor is there")
    }

    /// What is known of the worker processes before this one.
    pub(crate) fn past(&mut self) -> Past {
        std::mem::take(&mut self.past)
    }

    /// The listening sockets of the worker process before this one, or those that whoever started the supervisor gave.
    pub(crate) fn sockets(&mut self) -> Vec<Socket> {
        std::mem::take(&mut self.sockets)
    }

    /// Says that requests are answered on these sockets, by so many agents.
    pub(crate) fn ready(self, sockets: Vec<Socket>, agents: u32) -> Parent {
        // Where that fails the supervisor is gone, which the thread finds.
        if let Err(error) = self.channel.send(&Message::Ready { sockets, agents }) {
            tracing::error!("the supervisor can not be told which sockets there are: {error}");
        }
        Parent {
            channel: Some(self.channel),
            alive: self.alive,
        }
    }
}

/// From now on this process ends where the supervisor does, whatever its scripts wait for.
fn watch_over(channel: &Channel) -> io::Result<()> {
    let channel = channel.try_clone()?;
    std::thread::Builder::new().name("supervisor".into()).spawn(move || {
        channel.closed();
        tracing::error!("the supervisor is gone: this process ends");
        std::process::exit(1);
    })?;
    Ok(())
}

/// The supervisor of a process that serves.
#[derive(Debug)]
pub(crate) struct Parent {
    channel: Option<Channel>,
    alive: Option<Duration>,
}

impl Parent {
    /// Requests are answered on these sockets, by so many agents, and no longer as was said before.
    pub(crate) fn ready(&self, sockets: Vec<Socket>, agents: u32) {
        self.say(&Message::Ready { sockets, agents });
    }

    /// Asks for another process in this one's place, which is left to finish what it can.
    pub(crate) fn replace_us(&self) {
        self.say(&Message::Replace);
    }

    /// The project was loaded anew, or stays as it was: so many agents answer.
    pub(crate) fn reloaded(&self, agents: u32) {
        self.say(&Message::Reloaded { agents });
    }

    /// How often it wants to hear that this process works.
    pub(crate) fn alive_every(&self) -> Option<Duration> {
        self.alive
    }

    /// This process works.
    pub(crate) fn alive(&self) {
        self.say(&Message::Alive);
    }

    fn say(&self, message: &Message) {
        if let Some(channel) = &self.channel {
            let _ = channel.send(message);
        }
    }
}
