//! A connection below TLS. Records that carry nothing cost CPU time, and no reader above ever sees them: here they are counted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use super::dns::Resolver;

#[expect(clippy::disallowed_types, reason = "the one client lives in this room")]
pub(super) type HttpConnector = hyper_util::client::legacy::connect::HttpConnector<Resolver>;

#[expect(clippy::disallowed_types, reason = "connections go out through this room")]
type Stream = tokio::net::TcpStream;

/// How many bytes may come until one of them is for whoever reads: a handshake with a chain of certificates takes less, and so do
/// tickets and updates of keys.
const MOST: u64 = 256 << 10;

/// Bytes that have come since one was for whoever reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Unread(Arc<AtomicU64>);

impl Unread {
    /// Something was read above TLS.
    pub(super) fn is_read(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// TLS is flooded.
#[derive(Debug, thiserror::Error)]
#[error("the upstream floods its connection with TLS records that carry nothing")]
struct Flood;

/// Opens one connection.
#[derive(Debug, Clone)]
pub(super) struct Dialer {
    pub(super) http: HttpConnector,
    pub(super) unread: Unread,
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Wire>;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.http.poll_ready(cx)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connecting = self.http.call(target);
        let unread = self.unread.clone();
        Box::pin(async move {
            let stream = connecting.await?.into_inner();
            Ok(TokioIo::new(Wire { stream, unread }))
        })
    }
}

/// The connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    unread: Unread,
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let count = u64::try_from(buffer.filled().len() - before).unwrap_or(u64::MAX);
        if self.unread.0.fetch_add(count, Ordering::Relaxed) > MOST {
            return Poll::Ready(Err(io::Error::other(Flood)));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}
