//! The worker process's side.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use miette::{IntoDiagnostic as _, Result, WrapErr as _};

use super::channel::Channel;
use crate::isolate::running;

/// A process that is watched over.
#[derive(Debug)]
pub(crate) struct Supervised {
    channel: Channel,
    socket: Option<OwnedFd>,
}

impl Supervised {
    /// Takes what the supervisor begins with.
    pub(crate) fn begin() -> Result<Self> {
        let begin = || {
            let channel = Channel::stdin()?;
            let mut files = channel.receive()?.into_iter();
            if let Some(record) = files.next() {
                running::record_in(record.into());
            }
            io::Result::Ok(Self {
                channel,
                socket: files.next(),
            })
        };
        begin()
            .into_diagnostic()
            .wrap_err("this flag is for the program itself: no supervisor is there")
    }

    /// The listening socket of the worker process before this one.
    pub(crate) fn socket(&mut self) -> Option<OwnedFd> {
        self.socket.take()
    }

    /// Says that requests are answered on this socket. From now on this process ends where the supervisor does.
    pub(crate) fn ready(mut self, socket: BorrowedFd<'_>) {
        // Where that fails the supervisor is gone, which the thread finds.
        let _ = self.channel.send(&[socket]);
        let watching = std::thread::Builder::new().name("supervisor".into()).spawn(move || {
            self.channel.closed();
            tracing::error!("the supervisor is gone: this process ends");
            std::process::exit(1);
        });
        if let Err(error) = watching {
            tracing::error!("the supervisor can not be watched: {error}");
        }
    }
}
