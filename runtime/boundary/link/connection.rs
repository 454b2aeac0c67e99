//! One end of a link: it calls, it is called, and it is told of events' ends.

use std::future::poll_fn;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::{BufMut as _, BytesMut};

use super::call::Call;
use super::frame::{Frame, HEADER, Kind};
use super::handler::Handler;
use super::run::Run;
use super::shared::Shared;
use super::socket::Socket;
use super::stream::Stream;
use super::{CALLS, LinkError, largest_head};

/// One end.
#[derive(Clone)]
pub(crate) struct Connection(Rc<Shared>);

impl Connection {
    /// The parent's end, which asks for a sign of life within so long. A message may have so many bytes of headers.
    pub(crate) fn of_parent(headers: usize, patience: Duration) -> Self {
        let shared = Shared::new(largest_head(headers), CALLS, usize::MAX, Some(patience));
        Self(Rc::new(shared))
    }

    /// Either end of a link between two threads of this process.
    pub(crate) fn of_thread() -> Self {
        Self(Rc::new(Shared::new(largest_head(0), CALLS, CALLS, None)))
    }

    /// The process's end.
    pub(crate) fn of_process(headers: usize) -> Self {
        Self(Rc::new(Shared::new(largest_head(headers), usize::MAX, CALLS, None)))
    }

    /// Serves the link, a socket that does not block, until the other end closes it.
    pub(crate) async fn run<H: Handler>(&self, socket: UnixStream, handler: H) -> Result<(), LinkError> {
        let ended = match Socket::of(socket) {
            Ok(socket) => Run::new(Rc::clone(&self.0), socket, handler).await,
            Err(error) => Err(error.into()),
        };
        self.close();
        ended
    }

    /// Whether it has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.closed.get()
    }

    /// Ends it, and all calls.
    pub(crate) fn close(&self) {
        self.0.close();
    }

    /// A number that no call of this end has.
    pub(crate) fn next(&self) -> u32 {
        loop {
            let next = self.0.last.get().wrapping_add(1);
            self.0.last.set(next);
            if !self.0.mine.borrow().contains_key(&next) {
                return next;
            }
        }
    }

    /// Whether one more call may be open.
    pub(crate) fn has_room(&self) -> bool {
        self.0.mine.borrow().len() < self.0.own_calls
    }

    /// Ready once one more call may be open.
    pub(crate) async fn room(&self) {
        poll_fn(|cx| {
            if self.has_room() || self.0.closed.get() {
                return Poll::Ready(());
            }
            self.0.wait(cx);
            Poll::Pending
        })
        .await;
    }

    /// Opens a call of this number, with the head that `write` writes; `ends` says that nothing follows it.
    pub(crate) fn call(&self, number: u32, ends: bool, write: impl FnOnce(&mut BytesMut)) -> Result<Call, LinkError> {
        let stream = Rc::new(Stream::new(number, true));
        {
            let mut out = self.0.out.borrow_mut();
            let at = out.len();
            let frame = Frame {
                kind: Kind::Head,
                call: number,
                ends,
                answers: false,
            };
            frame.write(&mut out, write);
            if out.len() - at - HEADER > self.0.head {
                out.truncate(at);
                return Err(LinkError::Head("it is larger than a head may be"));
            }
            if self.0.closed.get() {
                out.clear();
            }
        }
        self.0.wake();
        stream.sent.set(ends);
        if !self.0.closed.get() {
            self.0.mine.borrow_mut().insert(number, Rc::clone(&stream));
        }
        Ok(Call::new(&self.0, stream))
    }

    /// Whether so many calls more may be open.
    pub(crate) fn has_room_for(&self, calls: usize) -> bool {
        self.0.mine.borrow().len().saturating_add(calls) <= self.0.own_calls
    }

    /// Tells the other end that an event needs something no longer that it was given.
    pub(crate) fn note(&self, event: u32, what: u8, number: u32) {
        self.0.send(Frame::of_event(Kind::Note, event), |out| {
            out.put_u8(what);
            out.put_u32_le(number);
        });
    }

    /// Tells the other end that an event is over.
    pub(crate) fn over(&self, event: u32, cpu: Duration) {
        let micros = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
        self.0
            .send(Frame::of_event(Kind::Over, event), |out| out.put_u64_le(micros));
    }
}
