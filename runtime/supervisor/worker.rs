//! The worker process's side.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use miette::{IntoDiagnostic as _, Result, WrapErr as _};

use super::channel::Channel;
use super::crash_history::{self, Past};
use crate::isolate::crash_marker;
use crate::isolate::fatal_signals::notice_fatal_signals;

/// A process that is watched over.
#[derive(Debug)]
pub(crate) struct Supervised {
    channel: Channel,
    past: Past,
    sockets: Vec<OwnedFd>,
}

impl Supervised {
    /// Takes what the supervisor begins with.
    pub(crate) fn begin() -> Result<Self> {
        let begin = || {
            let channel = Channel::stdin()?;
            let mut files = channel.receive()?.into_iter();
            let mut past = Past::default();
            if let (Some(running), Some(history)) = (files.next(), files.next()) {
                let running = running.into();
                past = crash_history::read(&running, &mut history.into())?;
                crash_marker::record_in(running);
                notice_fatal_signals();
            }
            io::Result::Ok(Self {
                channel,
                past,
                sockets: files.collect(),
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

    /// The listening sockets of the worker process before this one.
    pub(crate) fn sockets(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.sockets)
    }

    /// Says that requests are answered on these sockets. From now on this process ends where the supervisor does. Gives what
    /// asks for another process in this one's place, which is left to finish what it can.
    pub(crate) fn ready(mut self, sockets: &[BorrowedFd<'_>]) -> impl Fn() + use<> {
        // Where that fails the supervisor is gone, which the thread finds.
        let _ = self.channel.send(sockets);
        let other = self.channel.try_clone();
        let watching = std::thread::Builder::new().name("supervisor".into()).spawn(move || {
            self.channel.closed();
            tracing::error!("the supervisor is gone: this process ends");
            std::process::exit(1);
        });
        if let Err(error) = watching {
            tracing::error!("the supervisor can not be watched: {error}");
        }
        move || {
            if let Ok(channel) = &other {
                let _ = channel.send(&[]);
            }
        }
    }
}
