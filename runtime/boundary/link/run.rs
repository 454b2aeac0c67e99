//! What moves a link's frames: it reads what has come, hands it to its calls, and writes all that was queued meanwhile at once.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::time::Sleep;

use super::call::Call;
use super::frame::{Frame, HEADER, Kind};
use super::handler::Handler;
use super::shared::Shared;
use super::socket::Socket;
use super::stream::{Came, Stream};
use super::{LinkError, WINDOW, WINDOWS};

/// Bytes that are read at once, at first and at most.
const LEAST: usize = 4 << 10;
const MOST: usize = 64 << 10;

/// How much is handed on before others get their turn: so many frames, as many times so many bytes, or a part of as many that begin something.
const TURN: usize = 64;
const BYTES: usize = 4 << 10;
const BEGINS: usize = 4;

/// How often the other end is asked whether it is there, while anything is under way.
const PING: Duration = Duration::from_secs(2);

/// Frames of calls that are not open, beside some for each that was.
const STRAYS: u64 = 1000;
const EACH: u64 = 4;

/// The most bytes that wait for the other end, and the most calls to it.
const WAITING: usize = 64 << 20;
const UNDER_WAY: usize = 64 << 10;

/// The largest buffer that stays while it is empty.
const KEPT: usize = 256 << 10;

const TOO_MUCH: LinkError = LinkError::Frame("its bytes are more than may come");

pub(super) struct Run<H> {
    shared: Rc<Shared>,
    socket: Socket,
    handler: H,
    /// What has come, from `start` to `end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// When the other end is looked at next, where anything is under way.
    look: Option<Pin<Box<Sleep>>>,
}

impl<H> Unpin for Run<H> {}

impl<H: Handler> Run<H> {
    pub(super) fn new(shared: Rc<Shared>, socket: Socket, handler: H) -> Self {
        Self {
            shared,
            socket,
            handler,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            look: None,
        }
    }

    /// Reads once. Gives whether the other end has closed it.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            // It holds a part of one frame, whose length has been judged, or the last read filled it.
            let size = (self.buffer.len() * 2).max(LEAST);
            self.buffer.resize(size, 0);
        }
        let count = ready!(self.socket.poll_read(cx, &mut self.buffer[self.end..]))?;
        self.end += count;
        Poll::Ready(Ok(count == 0))
    }

    /// Hands on frames that have come whole, as many as may be. Gives how much of the turn is left.
    fn frames(&mut self, may: usize) -> Result<usize, LinkError> {
        let mut left = may;
        while left > 0
            && let Some((frame, carried)) = Frame::read(&self.buffer[self.start..self.end], self.shared.head, WINDOW)?
        {
            self.frame(frame, carried)?;
            self.start += HEADER + carried.len();
            let begins = frame.kind == Kind::Head && !frame.answers;
            left = left.saturating_sub(if begins { BEGINS } else { 1 } + carried.len() / BYTES);
        }
        if self.start == self.end {
            let filled = self.end == self.buffer.len();
            (self.start, self.end) = (0, 0);
            if filled && self.buffer.len() < MOST {
                let size = self.buffer.len() * 2;
                self.buffer.resize(size, 0);
            } else if self.buffer.len() > MOST {
                self.buffer.truncate(MOST);
                self.buffer.shrink_to_fit();
            }
        }
        Ok(left)
    }

    fn known(&self, frame: Frame) -> Option<Rc<Stream>> {
        self.shared.map(frame.answers).borrow().get(&frame.call).cloned()
    }

    /// A frame of a call that may have ended a moment ago.
    fn stray(&self) -> Result<(), LinkError> {
        let strays = self.shared.strays.get() + 1;
        self.shared.strays.set(strays);
        if strays > self.shared.opened.get().saturating_mul(EACH).saturating_add(STRAYS) {
            return Err(LinkError::Flood(
                "it sends and sends frames of calls that there are not",
            ));
        }
        Ok(())
    }

    fn frame(&self, frame: Frame, carried: &[u8]) -> Result<(), LinkError> {
        let shared = &self.shared;
        match frame.kind {
            Kind::Head if frame.answers => {
                let stream = self.known(frame).ok_or(LinkError::Frame("it answers no call"))?;
                if stream.has_head.replace(true) || stream.came.get() != Came::Open {
                    return Err(LinkError::Frame("it answers a second time"));
                }
                if !stream.unwanted.get() {
                    *stream.head.borrow_mut() = Some(Bytes::copy_from_slice(carried));
                }
                self.came(&stream, frame.ends.then_some(Came::Ended));
                Ok(())
            }
            Kind::Head => self.called(frame, carried),
            Kind::Data => self.data(frame, carried),
            Kind::Trailers => {
                let stream = self
                    .known(frame)
                    .ok_or(LinkError::Frame("its trailers are of no call"))?;
                if stream.came.get() != Came::Open || !stream.has_head.get() {
                    return Err(LinkError::Frame("its trailers are before or behind the message"));
                }
                let all = shared.left.get().checked_sub(carried.len()).ok_or(TOO_MUCH)?;
                shared.left.set(all);
                if stream.unwanted.get() {
                    shared.was_taken(carried.len());
                } else {
                    *stream.trailers.borrow_mut() = Some(Bytes::copy_from_slice(carried));
                }
                self.came(&stream, Some(Came::Ended));
                Ok(())
            }
            Kind::Reset => {
                let stream = self.known(frame).ok_or(LinkError::Frame("it ends no call"))?;
                if stream.came.get() != Came::Open {
                    return Err(LinkError::Frame("it ends what has ended"));
                }
                self.came(&stream, Some(Came::Cut));
                Ok(())
            }
            Kind::Stop => match self.known(frame) {
                Some(stream) => {
                    if !stream.stopped.replace(true) {
                        stream.wake_writer();
                    }
                    Ok(())
                }
                None => self.stray(),
            },
            Kind::Window => match self.known(frame) {
                Some(stream) => {
                    stream.credit.set(more(stream.credit.get(), carried, WINDOW)?);
                    stream.wake_writer();
                    Ok(())
                }
                None => self.stray(),
            },
            Kind::Windows => {
                shared.credit.set(more(shared.credit.get(), carried, WINDOWS)?);
                shared.wake_waiting();
                Ok(())
            }
            Kind::Ping if shared.patience.is_none() => {
                shared.send(Frame::of_link(Kind::Pong), |_| {});
                Ok(())
            }
            Kind::Ping => Err(LinkError::Frame("only the parent asks for signs of life")),
            Kind::Pong => match shared.asked.take() {
                Some(_) => Ok(()),
                None => Err(LinkError::Frame("nobody asked for a sign of life")),
            },
            Kind::Over => {
                let micros = carried.first_chunk().copied().map_or(0, u64::from_le_bytes);
                self.handler.over(frame.call, Duration::from_micros(micros))
            }
            Kind::Note => match carried {
                [what, number @ ..] => {
                    let number = number.first_chunk().copied().map_or(0, u32::from_le_bytes);
                    self.handler.noted(frame.call, *what, number)
                }
                [] => Err(LinkError::Frame("a note says nothing")),
            },
        }
    }

    fn called(&self, frame: Frame, head: &[u8]) -> Result<(), LinkError> {
        let shared = &self.shared;
        let stream = Rc::new(Stream::new(frame.call, false));
        if frame.ends {
            stream.came.set(Came::Ended);
        }
        {
            let mut theirs = shared.theirs.borrow_mut();
            if theirs.len() >= shared.calls {
                return Err(LinkError::Flood("it has more calls open than it may"));
            }
            if theirs.insert(frame.call, Rc::clone(&stream)).is_some() {
                return Err(LinkError::Frame("it opens a call that is open"));
            }
        }
        shared.opened.set(shared.opened.get() + 1);
        self.handler.called(head, Call::new(shared, stream))
    }

    fn data(&self, frame: Frame, carried: &[u8]) -> Result<(), LinkError> {
        let shared = &self.shared;
        let stream = self.known(frame).ok_or(LinkError::Frame("its bytes are of no call"))?;
        if stream.came.get() != Came::Open || !stream.has_head.get() {
            return Err(LinkError::Frame("its bytes are before or behind the message"));
        }
        if carried.is_empty() && !frame.ends {
            return Err(LinkError::Frame("it has no bytes"));
        }
        let (left, all) = (stream.left.get(), shared.left.get());
        let (Some(left), Some(all)) = (left.checked_sub(carried.len()), all.checked_sub(carried.len())) else {
            return Err(TOO_MUCH);
        };
        stream.left.set(left);
        shared.left.set(all);
        if stream.unwanted.get() {
            shared.was_read(&stream, carried.len());
        } else {
            // A copy: a small piece of a large buffer would keep all of that.
            stream.bytes.borrow_mut().extend_from_slice(carried);
        }
        self.came(&stream, frame.ends.then_some(Came::Ended));
        Ok(())
    }

    /// Something has come of a call, and perhaps its end.
    fn came(&self, stream: &Stream, end: Option<Came>) {
        if let Some(end) = end {
            stream.came.set(end);
            self.shared.forget(stream);
        }
        stream.wake_reader();
    }

    /// Writes what is queued. Ready where the link is broken.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let mut out = self.shared.out.borrow_mut();
        if out.len() > WAITING {
            return Poll::Ready(Err(LinkError::Flood("it does not read what it is sent")));
        }
        while !out.is_empty() {
            match ready!(self.socket.poll_write(cx, &out)) {
                Ok(0) => return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
                Ok(written) => out.advance(written),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        self.socket.is_written();
        if out.capacity() > KEPT {
            *out = BytesMut::new();
        }
        Poll::Pending
    }

    /// Looks now and then whether the other end is there, where something is under way. Ready where it is not.
    fn poll_look(&mut self, cx: &mut Context<'_>) -> Poll<LinkError> {
        let Some(patience) = self.shared.patience else {
            return Poll::Pending;
        };
        loop {
            let under_way = self.shared.mine.borrow().len();
            if under_way > UNDER_WAY {
                return Poll::Ready(LinkError::Flood("it ends no calls"));
            }
            let Some(look) = &mut self.look else {
                if under_way == 0 {
                    return Poll::Pending;
                }
                self.look = Some(Box::pin(tokio::time::sleep(PING)));
                continue;
            };
            ready!(look.as_mut().poll(cx));
            let busy = match self.handler.look() {
                Ok(busy) => busy || under_way > 0,
                Err(error) => return Poll::Ready(error),
            };
            match self.shared.asked.get() {
                Some(since) if since.elapsed() > patience => return Poll::Ready(LinkError::Silent),
                None if busy => {
                    self.shared.asked.set(Some(Instant::now()));
                    self.shared.send(Frame::of_link(Kind::Ping), |_| {});
                }
                Some(_) | None => {}
            }
            self.look = (busy || self.shared.asked.get().is_some()).then(|| Box::pin(tokio::time::sleep(PING)));
            if self.look.is_none() {
                return Poll::Pending;
            }
        }
    }
}

/// What may be sent once so many bytes more may.
fn more(credit: usize, carried: &[u8], most: usize) -> Result<usize, LinkError> {
    let bytes = carried.first_chunk().copied().map_or(0, u32::from_le_bytes) as usize;
    match credit.checked_add(bytes) {
        Some(credit) if bytes > 0 && credit <= most => Ok(credit),
        _ => Err(LinkError::Frame("it lets more be sent than was")),
    }
}

impl<H: Handler> Future for Run<H> {
    type Output = Result<(), LinkError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let run = &mut *self;
        if run.shared.closed.get() {
            return Poll::Ready(Ok(()));
        }
        let mut left = run.frames(TURN)?;
        while left > 0 {
            match run.poll_read(cx) {
                Poll::Ready(Ok(true)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(false)) => left = run.frames(left)?,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending => break,
            }
        }
        if left == 0 {
            cx.waker().wake_by_ref();
        }
        if let Poll::Ready(error) = run.poll_look(cx) {
            return Poll::Ready(Err(error));
        }
        // Whoever queues from now on wakes this.
        *run.shared.writes.borrow_mut() = Some(cx.waker().clone());
        run.poll_write(cx)
    }
}
