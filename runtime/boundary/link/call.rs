//! The two directions of a call, as whoever made or answers it has them. One that is dropped before its end ends.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};

use super::WINDOW;
use super::frame::Kind;
use super::shared::Shared;
use super::stream::{Came, Stream};

/// The other end gave it up, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// Both.
pub(crate) struct Call {
    pub(crate) outgoing: Outgoing,
    pub(crate) incoming: Incoming,
}

impl Call {
    pub(super) fn new(shared: &Rc<Shared>, stream: Rc<Stream>) -> Self {
        Self {
            outgoing: Outgoing {
                shared: Rc::clone(shared),
                stream: Rc::clone(&stream),
            },
            incoming: Incoming {
                shared: Rc::clone(shared),
                stream,
            },
        }
    }
}

impl Call {
    /// Its number, which no other has that is open and was opened by the same end.
    pub(crate) fn number(&self) -> u32 {
        self.outgoing.stream.call
    }
}

/// What comes.
pub(crate) struct Incoming {
    shared: Rc<Shared>,
    stream: Rc<Stream>,
}

impl Incoming {
    /// The response's head.
    pub(crate) async fn head(&self) -> Result<Bytes, Gone> {
        poll_fn(|cx| {
            if let Some(head) = self.stream.head.take() {
                return Poll::Ready(Ok(head));
            }
            self.wait(cx).map(|_| Err(Gone))
        })
        .await
    }

    /// Ready once nothing more comes.
    fn wait(&self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Gone>>> {
        match self.stream.came.get() {
            Came::Ended => Poll::Ready(None),
            Came::Open if !self.shared.closed.get() => {
                let mut reader = self.stream.reader.borrow_mut();
                if !reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
                    *reader = Some(cx.waker().clone());
                }
                Poll::Pending
            }
            Came::Open | Came::Cut => Poll::Ready(Some(Err(Gone))),
        }
    }

    /// All bytes that are there; nothing behind the end.
    pub(crate) fn poll_bytes(&self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Gone>>> {
        match self.take() {
            Some(bytes) => Poll::Ready(Some(Ok(bytes))),
            None => self.wait(cx),
        }
    }

    fn take(&self) -> Option<Bytes> {
        let bytes = self.stream.bytes.take();
        if bytes.is_empty() {
            return None;
        }
        let bytes = Bytes::from(bytes.into_boxed_slice());
        self.shared.was_read(&self.stream, bytes.len());
        Some(bytes)
    }

    /// All bytes, where all have come.
    pub(crate) fn whole(&self) -> Option<Bytes> {
        (self.stream.came.get() == Came::Ended).then(|| self.take().unwrap_or_default())
    }

    /// What has come behind the bytes, once.
    pub(crate) fn trailers(&self) -> Option<Bytes> {
        let trailers = self.stream.trailers.take()?;
        self.shared.was_taken(trailers.len());
        Some(trailers)
    }

    /// Whether all has come, and how many bytes of it are there.
    pub(crate) fn ended_with(&self) -> Option<usize> {
        (self.stream.came.get() == Came::Ended).then(|| self.stream.bytes.borrow().len())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let stream = &self.stream;
        stream.unwanted.set(true);
        drop(self.trailers());
        let unread = stream.bytes.take().len();
        if unread > 0 {
            self.shared.was_read(stream, unread);
        }
        if stream.came.get() != Came::Open || self.shared.closed.get() {
            return;
        }
        self.shared.send_of(stream, Kind::Stop, false, |_| {});
        // Who waits no longer for a response sends no more of its request.
        if stream.own && !stream.stopped.replace(true) {
            stream.wake_writer();
        }
    }
}

/// What goes.
pub(crate) struct Outgoing {
    shared: Rc<Shared>,
    stream: Rc<Stream>,
}

impl Outgoing {
    /// Sends the response's head.
    pub(crate) fn head(&self, ends: bool, write: impl FnOnce(&mut BytesMut)) {
        self.shared.send_of(&self.stream, Kind::Head, ends, write);
    }

    /// Ready while anything may be sent, with how many bytes; or once nobody wants it.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<Result<usize, Gone>> {
        self.poll_room_for(1, cx)
    }

    /// Ready while so many bytes may be sent, of which a reader that has read all that came lets come half a window at least.
    pub(crate) fn poll_room_for(&self, least: usize, cx: &Context<'_>) -> Poll<Result<usize, Gone>> {
        if self.stream.stopped.get() || self.shared.closed.get() {
            return Poll::Ready(Err(Gone));
        }
        let room = self.room();
        if room >= least {
            return Poll::Ready(Ok(room));
        }
        if self.stream.credit.get() >= least {
            self.shared.wait(cx);
        }
        self.wait(cx);
        Poll::Pending
    }

    fn wait(&self, cx: &Context<'_>) {
        let mut writer = self.stream.writer.borrow_mut();
        if !writer.as_ref().is_some_and(|writer| writer.will_wake(cx.waker())) {
            *writer = Some(cx.waker().clone());
        }
    }

    /// How many bytes may be sent now.
    pub(crate) fn room(&self) -> usize {
        self.stream.credit.get().min(self.shared.credit.get()).min(WINDOW)
    }

    /// Sends bytes for which there is room.
    pub(crate) fn push(&self, bytes: &[u8], ends: bool) {
        self.stream
            .credit
            .set(self.stream.credit.get().saturating_sub(bytes.len()));
        self.shared
            .credit
            .set(self.shared.credit.get().saturating_sub(bytes.len()));
        self.shared
            .send_of(&self.stream, Kind::Data, ends, |out| out.put_slice(bytes));
    }

    /// Sends bytes as there is room for them.
    pub(crate) async fn send(&self, mut bytes: Bytes) -> Result<(), Gone> {
        while !bytes.is_empty() {
            let room = poll_fn(|cx| self.poll_room(cx)).await?;
            self.push(&bytes.split_to(room.min(bytes.len())), false);
        }
        Ok(())
    }

    /// That was all.
    pub(crate) fn end(self) {
        self.finish();
    }

    /// The same, for what still waits for whether it is wanted.
    pub(crate) fn finish(&self) {
        self.push(&[], true);
    }

    /// That was all, but for these trailers, which are counted with the bytes of all bodies.
    pub(crate) async fn end_with(self, trailers: &[u8]) {
        let room = poll_fn(|cx| {
            if self.stream.stopped.get() || self.shared.closed.get() {
                return Poll::Ready(Err(Gone));
            }
            if self.shared.credit.get() >= trailers.len() {
                return Poll::Ready(Ok(()));
            }
            self.shared.wait(cx);
            self.wait(cx);
            Poll::Pending
        });
        if room.await.is_ok() {
            self.shared.credit.set(self.shared.credit.get() - trailers.len());
            self.shared
                .send_of(&self.stream, Kind::Trailers, true, |out| out.put_slice(trailers));
        }
    }

    /// Waits until nobody wants it.
    pub(crate) async fn stopped(&self) {
        poll_fn(|cx| {
            if self.stream.stopped.get() || self.shared.closed.get() {
                return Poll::Ready(());
            }
            self.wait(cx);
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        if !self.stream.sent.get() {
            self.shared.send_of(&self.stream, Kind::Reset, false, |_| {});
        }
    }
}
