//! A connection's bytes: what has been read of a message that is not whole is paid for by who will read it, and what passes says that
//! the connection lives.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};
use workerd_lite_ops::external_memory::{ExternalMemory, OutOfMemory, Reservation};

/// What has been read and not given on.
pub(super) struct Meter {
    memory: ExternalMemory,
    ahead: RefCell<Reservation>,
    passed: Cell<Instant>,
}

impl Meter {
    pub(super) fn new(memory: ExternalMemory) -> Result<Rc<Self>, OutOfMemory> {
        let ahead = RefCell::new(memory.reserve(0)?);
        Ok(Rc::new(Self {
            memory,
            ahead,
            passed: Cell::new(Instant::now()),
        }))
    }

    /// A message is whole: gives what pays for its `bytes`.
    pub(super) fn whole(&self, bytes: usize) -> Result<Reservation, OutOfMemory> {
        let fresh = self.memory.reserve(0)?;
        let mut paid = self.ahead.replace(fresh);
        paid.resize(bytes)?;
        Ok(paid)
    }

    /// Some of it was no part of a message.
    pub(super) fn forget(&self, bytes: usize) {
        self.ahead.borrow_mut().shrink(bytes);
    }

    /// All of it was given on.
    pub(super) fn settle(&self) {
        self.ahead.borrow_mut().shrink(usize::MAX);
    }

    /// When something passed last.
    fn passed(&self) -> Instant {
        self.passed.get()
    }
}

/// Waits until nothing has passed for so long.
pub(super) async fn is_idle(meter: &Meter, limit: Duration) {
    loop {
        let end = meter.passed() + limit;
        sleep_until(end).await;
        if meter.passed() + limit <= Instant::now() {
            return;
        }
    }
}

/// A connection with its meter.
pub(super) struct Metered<S> {
    pub(super) stream: S,
    pub(super) meter: Rc<Meter>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        if read > 0 {
            self.meter.passed.set(Instant::now());
            self.meter.ahead.borrow_mut().grow(read).map_err(io::Error::other)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.meter.passed.set(Instant::now());
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
