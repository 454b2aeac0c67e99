//! One connection that speaks frames (RFC 6455), of either side: it reads messages, answers pings and closes, and writes what it is
//! given.

mod decoder;
mod deflate;
mod encoder;
mod in_place;
mod mask;
mod message;

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data};

pub(super) use self::message::{Message, Over, Violation};
use decoder::{Decoded, Decoder};
use encoder::Encoder;

/// Bytes that are read at once.
const READ: usize = 16 << 10;

/// What is written before more is taken, in bytes.
const FULL: usize = 16 << 10;

/// Pongs that wait, in bytes: a peer that reads none needs no more.
const PONGS: usize = 64 << 10;

thread_local! {
    /// What is read goes here first, and none of it stays: a connection over which nothing comes needs none of its own.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// A connection.
pub(super) struct Wire<S> {
    stream: S,
    role: Role,
    decoder: Decoder,
    encoder: Encoder,
    /// Something was written, and its stream may hold it still.
    unflushed: bool,
    has_closed: bool,
    is_closed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Messages of at most `most` bytes come over it. Those of either side may be compressed where both have agreed to it.
    pub(super) fn new(stream: S, role: Role, most: usize, compresses: bool) -> Self {
        Self {
            stream,
            role,
            decoder: Decoder::new(role, most, compresses),
            encoder: Encoder::new(role, compresses),
            unflushed: false,
            has_closed: false,
            is_closed: false,
        }
    }

    /// The same, over a link to another process of ours, which may say by a close with 1006 that what is behind it broke.
    pub(super) fn of_ours(mut self) -> Self {
        self.decoder.trust();
        self
    }

    /// The next that comes. What came before is answered as far as the peer takes it.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Over>> {
        loop {
            if let Some(message) = ready!(self.poll_some(cx, None::<&mut fn(bool, &[u8])>))? {
                return Poll::Ready(Ok(message));
            }
        }
    }

    /// The same. Messages that are whole where they were read are given to `take` instead, as many as have been read at once; then nothing
    /// is returned.
    pub(super) fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut impl FnMut(bool, &[u8]),
    ) -> Poll<Result<Option<Message>, Over>> {
        self.poll_some(cx, Some(take))
    }

    fn poll_some<F: FnMut(bool, &[u8])>(
        &mut self,
        cx: &mut Context<'_>,
        mut take: Option<&mut F>,
    ) -> Poll<Result<Option<Message>, Over>> {
        loop {
            let flushed = self.poll_flush(cx)?;
            if self.is_closed && self.role == Role::Server {
                // Section 7.1.1: a server closes the connection first.
                ready!(flushed);
                return Poll::Ready(Err(Over::Closed));
            }
            if !self.is_closed {
                if let Some(decoded) = self.decoder.next()? {
                    return Poll::Ready(Ok(Some(self.take(decoded))));
                }
            }
            let (read, taken) = ready!(self.poll_read(cx, take.as_deref_mut()))?;
            if read == 0 {
                return Poll::Ready(Err(if self.is_closed { Over::Closed } else { Over::Cut }));
            }
            if taken > 0 {
                return Poll::Ready(Ok(None));
            }
        }
    }

    /// Gives how many bytes were read, and how many of them were taken in their place.
    fn poll_read<F: FnMut(bool, &[u8])>(
        &mut self,
        cx: &mut Context<'_>,
        take: Option<&mut F>,
    ) -> Poll<io::Result<(usize, usize)>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            let read = buffer.filled_mut();
            // What follows a close is nothing.
            if self.is_closed {
                return Poll::Ready(Ok((read.len(), 0)));
            }
            let taken = take.map_or(0, |take| self.decoder.pass(read, take));
            self.decoder.push(&read[taken..]);
            Poll::Ready(Ok((read.len(), taken)))
        })
    }

    fn take(&mut self, decoded: Decoded) -> Message {
        match decoded {
            Decoded::Text(text) => Message::Text(text),
            Decoded::Binary(bytes) => Message::Binary(bytes),
            Decoded::Pong(bytes) => Message::Pong(bytes.len()),
            Decoded::Ping(bytes) => {
                if !self.has_closed && self.encoder.pending().len() < PONGS {
                    self.encoder.pong(&bytes);
                }
                Message::Ping(bytes.len())
            }
            Decoded::Close(frame) => {
                self.is_closed = true;
                let answer = match &frame {
                    // 1014 is registered since; of others nobody knows what they mean.
                    Some((code, _)) if *code != 1014 && !CloseCode::from(*code).is_allowed() => {
                        Some((1002, "a wrong code"))
                    }
                    Some((code, reason)) => Some((*code, reason.as_str())),
                    None => None,
                };
                self.close(answer);
                Message::Close(frame)
            }
        }
    }

    /// Ready while there is room for another message.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.encoder.pending().len() < FULL {
            return Poll::Ready(Ok(()));
        }
        self.poll_flush(cx)
    }

    /// Takes a message, which is written by a flush. Gives whether it will be: none is after a close.
    pub(super) fn send(&mut self, is_text: bool, bytes: &[u8]) -> bool {
        if !self.has_closed {
            self.encoder
                .data(if is_text { Data::Text } else { Data::Binary }, bytes);
        }
        !self.has_closed
    }

    /// Takes a close, which is the last.
    pub(super) fn close(&mut self, frame: Option<(u16, &str)>) {
        if !self.has_closed {
            self.has_closed = true;
            self.encoder.close(frame);
        }
    }

    /// Ready once all of it is written.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.encoder.has_failed() {
            return Poll::Ready(Err(io::Error::other("the system has no random bytes")));
        }
        while !self.encoder.pending().is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, self.encoder.pending()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.encoder.written(written);
            self.unflushed = true;
        }
        if self.unflushed {
            // TLS and HTTP/2 have buffers of their own.
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}
