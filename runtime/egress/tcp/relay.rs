//! Moves bytes between a connection and an end that a script has.

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::client::TlsStream;
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::start_tls::StartTls;
use workerd_lite_ops::websocket::{Frame, OVERHEAD, SocketEnd};

use super::super::decrypted::Decrypted;
use super::super::wire::{Unread, Wire};
use super::secured::Tls;
use crate::websocket::stopped;

/// Bytes that are read at once.
const READ: usize = 64 << 10;

/// A connection that stands, with TLS or without.
pub(super) enum Stream {
    Plain(Wire),
    Secured(Box<TlsStream<Wire>>),
}

/// One connection of a script's.
pub(super) struct Relay {
    end: SocketEnd,
    idle: Duration,
    unread: Unread,
    passed: Cell<Instant>,
    /// The server has said its last, and so has the script.
    ended: (Cell<bool>, Cell<bool>),
}

/// What comes after.
enum After {
    Over,
    StartTls(StartTls),
}

impl Relay {
    pub(super) fn new(end: SocketEnd, idle: Duration, unread: Unread) -> Self {
        Self {
            end,
            idle,
            unread,
            passed: Cell::new(Instant::now()),
            ended: (Cell::new(false), Cell::new(false)),
        }
    }

    /// Moves bytes until both sides have ended, one of them is gone, or nothing passes for too long.
    pub(super) async fn run(self, stream: Stream, mut tls: Tls) {
        // What the script sends is paid for by it.
        self.end.accept(ExternalMemory::new(usize::MAX));
        let read = tokio::select! {
            read = timeout(self.idle, self.end.peer()) => read,
            () = stopped() => return,
        };
        // Nobody has looked at it, or nobody will.
        let Ok(Some(memory)) = read else { return };
        let secured = match stream {
            Stream::Secured(stream) => stream,
            Stream::Plain(mut wire) => loop {
                match self.relay(&mut wire, &memory).await {
                    After::Over => return,
                    After::StartTls(asked) => {
                        if let Err(why) = self.may_start(&tls, &asked) {
                            asked.answer(Err(why));
                            continue;
                        }
                        tls.may_start = false;
                        match tls.start(wire, asked.name.as_deref()).await {
                            Ok(stream) => {
                                asked.answer(Ok(()));
                                break Box::new(stream);
                            }
                            Err(why) => {
                                self.end.push(Frame::Failed(why.clone()));
                                return asked.answer(Err(why));
                            }
                        }
                    }
                }
            },
        };
        let mut secured = Decrypted::new(*secured, self.unread.clone());
        while let After::StartTls(asked) = self.relay(&mut secured, &memory).await {
            asked.answer(Err("the connection is under TLS already".to_owned()));
        }
    }

    fn may_start(&self, tls: &Tls, asked: &StartTls) -> Result<(), String> {
        // What came in the clear is not to be read as if it had come under TLS.
        if self.end.buffered() > 0 || self.ended.0.get() {
            return Err("the server has sent something before TLS that was not read".to_owned());
        }
        tls.check(asked.name.as_deref())
    }

    async fn relay<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S, memory: &ExternalMemory) -> After {
        self.pass();
        let (reader, writer) = tokio::io::split(stream);
        tokio::select! {
            biased;
            after = self.outgoing(writer) => after,
            () = self.incoming(reader, memory) => After::Over,
            () = self.is_idle() => self.fail(format!("nothing has passed over the socket for {:?}", self.idle)),
            () = stopped() => self.fail("the server stops".to_owned()),
        }
    }

    fn pass(&self) {
        self.passed.set(Instant::now());
    }

    fn fail(&self, why: String) -> After {
        self.end.push(Frame::Failed(why));
        After::Over
    }

    async fn incoming(&self, mut reader: impl AsyncRead + Unpin, memory: &ExternalMemory) {
        if self.ended.0.get() {
            return pending().await;
        }
        let mut room: Vec<u8> = Vec::with_capacity(READ);
        loop {
            poll_fn(|cx| self.end.poll_room(cx)).await;
            let count = match reader.read_buf(&mut room).await {
                Ok(0) => {
                    self.ended.0.set(true);
                    self.end.push(Frame::Close(1000, String::new()));
                    if self.ended.1.get() {
                        return;
                    }
                    drop(room);
                    return pending().await;
                }
                Ok(count) => count,
                Err(error) => {
                    self.fail(format!("the connection broke: {error}"));
                    return;
                }
            };
            self.pass();
            self.unread.is_read();
            // Little is copied, so that it does not keep the room of much.
            let bytes = if count < READ / 2 {
                let bytes = room.clone();
                room.clear();
                bytes
            } else {
                std::mem::replace(&mut room, Vec::with_capacity(READ))
            };
            let paid = match memory.reserve(bytes.capacity() + OVERHEAD) {
                Ok(paid) => paid,
                Err(error) => {
                    self.fail(error.to_string());
                    return;
                }
            };
            if !self.end.push(Frame::Binary(paid.hold(bytes))) {
                return;
            }
        }
    }

    async fn outgoing(&self, mut writer: impl AsyncWrite + Unpin) -> After {
        loop {
            let written = match self.end.next().await {
                Some(Frame::Binary(bytes) | Frame::Text(bytes)) => {
                    let written = writer.write_all(&bytes).await;
                    self.pass();
                    match written {
                        Ok(()) if self.end.has_nothing() => writer.flush().await,
                        written => written,
                    }
                }
                Some(Frame::Close(..)) => {
                    let closed = writer.shutdown().await;
                    self.ended.1.set(true);
                    if self.ended.0.get() {
                        return After::Over;
                    }
                    closed
                }
                Some(Frame::StartTls(asked)) => return After::StartTls(asked),
                Some(Frame::Failed(_)) | None => return After::Over,
            };
            if let Err(error) = written {
                return self.fail(format!("the connection broke: {error}"));
            }
        }
    }

    /// Waits until nothing has passed for so long.
    async fn is_idle(&self) {
        loop {
            let end = self.passed.get() + self.idle;
            sleep_until(end).await;
            if self.passed.get() + self.idle <= Instant::now() {
                return;
            }
        }
    }
}
