//! A call as a connection of bytes, for what has a protocol of its own: both directions are read and written as a socket's are.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::call::{Call, Gone, Incoming, Outgoing};

/// One end of it.
pub(crate) struct Wire {
    outgoing: Option<Outgoing>,
    incoming: Incoming,
    rest: Bytes,
}

impl From<Call> for Wire {
    fn from(call: Call) -> Self {
        Self {
            outgoing: Some(call.outgoing),
            incoming: call.incoming,
            rest: Bytes::new(),
        }
    }
}

fn broken(_: Gone) -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            match ready!(self.incoming.poll_bytes(cx)) {
                None => return Poll::Ready(Ok(())),
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(_)) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            }
        }
        let count = self.rest.len().min(into.remaining());
        into.put_slice(&self.rest[..count]);
        self.rest.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(outgoing) = &self.outgoing else {
            return Poll::Ready(Err(broken(Gone)));
        };
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let room = ready!(outgoing.poll_room(cx)).map_err(broken)?;
        let count = room.min(bytes.len());
        outgoing.push(&bytes[..count], false);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(outgoing) = self.outgoing.take() {
            outgoing.end();
        }
        Poll::Ready(Ok(()))
    }
}
