//! A connection to an upstream above TLS: its traffic is counted, and ends where it is a flood.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::decrypted::Records;
use super::flood::{Flood, Http1, Http2};
use super::places::Taken;
use super::wire::{Unread, Wire};

/// What has passed over a connection.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Bytes that the upstream has sent.
    received: AtomicU64,
    /// Requests that were given to it.
    asked: AtomicU64,
    /// Whether a request was answered.
    answered: AtomicBool,
    /// Whether HTTP is spoken no longer.
    switched: AtomicBool,
}

impl Traffic {
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(super) fn answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// A response's head has come.
    pub(super) fn is_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// It is a WebSocket from now on.
    pub(super) fn is_switched(&self) {
        self.switched.store(true, Ordering::Relaxed);
    }

    /// A request is given to it.
    pub(super) fn is_asked(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }
}

/// What is looked for in its traffic.
#[derive(Debug)]
enum Protocol {
    /// With the number of requests that the connection has begun to answer.
    Http1(Http1, u64),
    Http2(Box<Http2>),
}

/// A connection whose traffic is counted.
pub(super) struct Observed {
    stream: TokioIo<MaybeHttpsStream<TokioIo<Wire>>>,
    records: Records,
    traffic: Arc<Traffic>,
    unread: Unread,
    protocol: Protocol,
    taken: Taken,
    listening: Listening,
}

/// Whether the upstream takes what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listening {
    Yes,
    /// It has closed its side. An upstream of HTTP/1 may answer before it has read all of a request (RFC 9112, section 9.5): what it
    /// has said is read yet, and what would be written is dropped.
    No,
    /// That is read too.
    Over,
}

impl Observed {
    /// `h2c` says that HTTP/2 is spoken whatever TLS has negotiated.
    pub(super) fn new(stream: MaybeHttpsStream<TokioIo<Wire>>, unread: Unread, taken: Taken, h2c: bool) -> Self {
        let is_http2 = h2c || stream.connected().is_negotiated_h2();
        Self {
            stream: TokioIo::new(stream),
            records: Records::default(),
            traffic: Arc::default(),
            unread,
            protocol: if is_http2 {
                Protocol::Http2(Box::new(Http2::new()))
            } else {
                Protocol::Http1(Http1::default(), 0)
            },
            taken,
            listening: Listening::Yes,
        }
    }

    /// What came of writing `length` bytes.
    fn written(&mut self, written: Poll<io::Result<usize>>, length: usize) -> Poll<io::Result<usize>> {
        let Poll::Ready(Err(error)) = &written else {
            return written;
        };
        let is_closed = matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset);
        let is_http1 = matches!(self.protocol, Protocol::Http1(..)) && !self.traffic.switched.load(Ordering::Relaxed);
        if !is_closed || !is_http1 || self.listening == Listening::Over {
            return written;
        }
        self.listening = Listening::No;
        Poll::Ready(Ok(length))
    }

    fn received(&mut self, bytes: &[u8]) -> Result<(), Flood> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.unread.is_read();
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.traffic.received.fetch_add(count, Ordering::Relaxed);
        if self.traffic.switched.load(Ordering::Relaxed) {
            return Ok(());
        }
        match &mut self.protocol {
            Protocol::Http1(protocol, begun) => {
                let asked = self.traffic.asked.load(Ordering::Relaxed);
                if std::mem::replace(begun, asked) != asked {
                    protocol.asks();
                }
                protocol.received(bytes)
            }
            Protocol::Http2(protocol) => protocol.received(bytes),
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        if let Protocol::Http2(protocol) = &mut self.protocol {
            protocol.sent(bytes);
        }
    }
}

impl Connection for Observed {
    fn connected(&self) -> Connected {
        let connected = self.stream.inner().connected();
        connected.extra(Arc::clone(&self.traffic)).extra(self.taken.in_use())
    }
}

impl AsyncRead for Observed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.taken.poll_ended(cx).is_ready() {
            // As if the upstream had closed it: nobody uses it now.
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let Self {
            stream,
            records,
            unread,
            listening,
            ..
        } = &mut *self;
        ready!(match stream.inner_mut() {
            MaybeHttpsStream::Https(tls) => records.poll_read(tls.inner_mut(), unread, cx, buffer),
            MaybeHttpsStream::Http(_) => Pin::new(stream).poll_read(cx, buffer),
        })
        .inspect_err(|_| *listening = Listening::Over)?;
        if buffer.filled().len() == before {
            *listening = Listening::Over;
        }
        self.received(&buffer.filled()[before..])?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Observed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.listening == Listening::No {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        let count = ready!(self.written(written, bytes.len()))?;
        self.sent(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.listening == Listening::No {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(cx).map_ok(|()| 0);
        self.written(flushed, 0).map_ok(|_| ())
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
        let length = slices.iter().map(|slice| slice.len()).sum();
        if self.listening == Listening::No {
            return Poll::Ready(Ok(length));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        let count = ready!(self.written(written, length))?;
        let mut left = count;
        for slice in slices {
            let sent = left.min(slice.len());
            self.sent(&slice[..sent]);
            left -= sent;
        }
        Poll::Ready(Ok(count))
    }
}
