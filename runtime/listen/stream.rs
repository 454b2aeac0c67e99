//! A connection that came in, over TCP or through a socket that is a file.

use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that belongs to no thread yet.
#[derive(Debug)]
pub(crate) enum Incoming {
    Tcp(std::net::TcpStream),
    /// One of TCP that speaks no TLS.
    Plain(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(tokio::net::TcpStream),
    /// One of TCP that speaks no TLS.
    Plain(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remote {
    /// Whoever has this address.
    Address(IpAddr),
    /// A process of this machine.
    Unix,
    /// It has gone already.
    Gone,
}

impl AsFd for Incoming {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) | Self::Plain(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Incoming {
    /// Binds it to this thread's runtime.
    pub(crate) fn into_stream(self) -> io::Result<Stream> {
        match self {
            Self::Tcp(stream) => without_delay(stream).map(Stream::Tcp),
            Self::Plain(stream) => without_delay(stream).map(Stream::Plain),
            Self::Unix(stream) => tokio::net::UnixStream::from_std(stream).map(Stream::Unix),
        }
    }
}

fn without_delay(stream: std::net::TcpStream) -> io::Result<tokio::net::TcpStream> {
    let stream = tokio::net::TcpStream::from_std(stream)?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

impl Stream {
    /// Takes it off this thread's runtime.
    pub(crate) fn into_incoming(self) -> io::Result<Incoming> {
        match self {
            Self::Tcp(stream) => stream.into_std().map(Incoming::Tcp),
            Self::Plain(stream) => stream.into_std().map(Incoming::Plain),
            Self::Unix(stream) => stream.into_std().map(Incoming::Unix),
        }
    }

    /// Who is at the other end. An IPv4 address inside IPv6 is that IPv4 address.
    pub(crate) fn remote(&self) -> Remote {
        match self {
            Self::Tcp(stream) | Self::Plain(stream) => stream
                .peer_addr()
                .map_or(Remote::Gone, |address| Remote::Address(address.ip().to_canonical())),
            Self::Unix(_) => Remote::Unix,
        }
    }

    /// The first byte that comes, which is left there. Nothing at the end.
    pub(crate) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let mut first = [0; 1];
        match self {
            Self::Tcp(stream) | Self::Plain(stream) => {
                let count = stream.peek(&mut first).await?;
                Ok((count > 0).then_some(first[0]))
            }
            Self::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Writes what can be written at once.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) | Self::Plain(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Reads what is there.
    pub(crate) fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) | Self::Plain(stream) => stream.try_read(bytes),
            Self::Unix(stream) => stream.try_read(bytes),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) | Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) | Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) | Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) | Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) | Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }
}
