//! The bytes of a client's connection: what comes is looked at before hyper takes it, and what goes out must be read some day.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::client_frames::ClientFrames;
use super::client_stream::ClientStream;
use super::raw_heads::{INVALID, RawHeads};

/// How long a client may send nothing after our last byte, before its connection is closed.
const LINGERS_QUIET: Duration = Duration::from_secs(1);
/// How long it may go on sending.
const LINGERS: Duration = Duration::from_secs(5);

/// What hyper reads behind a byte that is refused: it answers 400 once a head that is none is whole.
const END: &[u8] = &[INVALID, b'\r', b'\n', b'\r', b'\n'];

/// Says that a connection has become a WebSocket: what comes is no HTTP.
#[derive(Debug, Clone, Default)]
pub(super) struct Switch(Arc<AtomicBool>);

impl Switch {
    /// From now on.
    pub(super) fn turn(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A client's connection.
pub(super) struct ClientIo {
    stream: ClientStream,
    heads: RawHeads,
    /// Those of HTTP/2.
    frames: Option<Box<ClientFrames>>,
    /// Nothing more of the client is read.
    floods: bool,
    switch: Switch,
    /// What it has not read of that.
    end: &'static [u8],
    /// How long the client may read nothing of what there is for it.
    unread: Duration,
    /// Until when it may, where it reads nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Until when what it still sends is read and dropped, all of it and the next of it.
    lingering: Option<[Pin<Box<Sleep>>; 2]>,
}

impl ClientIo {
    pub(super) fn new(stream: ClientStream, unread: Duration, switch: Switch) -> Self {
        Self {
            stream,
            heads: RawHeads::default(),
            frames: None,
            floods: false,
            switch,
            end: END,
            unread,
            stalled: None,
            lingering: None,
        }
    }

    /// Notes what was written of these.
    fn sent<'a>(&mut self, written: &Poll<io::Result<usize>>, slices: impl Iterator<Item = &'a [u8]>) {
        let (Some(frames), Poll::Ready(Ok(count))) = (&mut self.frames, written) else {
            return;
        };
        let mut left = *count;
        for slice in slices {
            let part = &slice[..slice.len().min(left)];
            frames.sent(part);
            left -= part.len();
        }
    }

    /// What became of a write. One that waits for too long fails.
    fn written<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let unread = self.unread;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(unread)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client does not read its response: see [timeouts] unread",
        )))
    }

    /// Reads and drops what the client sends after our last byte. Where a socket is closed with bytes unread, the kernel resets the
    /// connection, and a client that still sends its body never reads the response that refused it (RFC 9112, section 9.6).
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.lingering.is_none()
            && let Some(frames) = &mut self.frames
        {
            frames.end();
        }
        let [all, quiet] = self
            .lingering
            .get_or_insert_with(|| [LINGERS, LINGERS_QUIET].map(|time| Box::pin(tokio::time::sleep(time))));
        let mut dropped = [0; 16 << 10];
        loop {
            if all.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut buffer = ReadBuf::new(&mut dropped);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let frames = self.frames.as_mut();
                    if frames.is_some_and(|frames| frames.received(buffer.filled()).is_err()) {
                        return Poll::Ready(());
                    }
                    quiet.as_mut().reset(Instant::now() + LINGERS_QUIET);
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return quiet.as_mut().poll(cx),
            }
        }
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.floods {
            return Poll::Ready(Ok(()));
        }
        if self.heads.is_refused() {
            let (given, rest) = self.end.split_at(self.end.len().min(buffer.remaining()));
            buffer.put_slice(given);
            self.end = rest;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if self.switch.is_on() {
            self.heads.switch();
        }
        let taken = self.heads.read(&mut buffer.filled_mut()[before..]);
        buffer.set_filled(before + taken);
        if self.heads.may_be_http2() {
            let frames = self.frames.get_or_insert_with(|| Box::new(ClientFrames::new()));
            let received = frames.received(&buffer.filled()[before..]);
            self.floods = received.is_err();
            received?;
        } else {
            self.frames = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.sent(&written, [bytes].into_iter());
        self.written(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        if self.floods {
            return Poll::Ready(Ok(()));
        }
        self.linger(cx).map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.sent(&written, slices.iter().map(|slice| &**slice));
        self.written(cx, written)
    }
}
