//! Connections of the HTTP client: TCP and TLS within their time, and what is known of each.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use super::connect_time::ConnectTime;
use super::dns::Resolver;

#[expect(clippy::disallowed_types, reason = "the one client lives in this room")]
type HttpConnector = hyper_util::client::legacy::connect::HttpConnector<Resolver>;

type BoxError = Box<dyn Error + Send + Sync>;

/// How long a connection is silent before the system asks whether the peer is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often the system asks in vain before it gives a connection up.
const KEEP_ALIVE_PROBES: u32 = 3;

/// A connection did not stand in its time.
#[derive(Debug, thiserror::Error)]
#[error("the connection could not be opened in time: see [timeouts] connect")]
pub(super) struct ConnectTimeout;

/// What has passed over a connection, above TLS.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Bytes that the upstream has sent.
    received: AtomicU64,
    /// Whether a request was answered.
    answered: AtomicBool,
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
}

/// Opens connections.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    https: HttpsConnector<HttpConnector>,
    timeout: Duration,
}

impl Connector {
    /// `timeout` is for a connection, TLS included.
    pub(super) fn new(resolver: Resolver, tls: ClientConfig, timeout: Duration) -> Self {
        let mut http = HttpConnector::new_with_resolver(resolver);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(timeout));
        http.set_keepalive(Some(KEEP_ALIVE));
        http.set_keepalive_interval(Some(KEEP_ALIVE));
        http.set_keepalive_retries(Some(KEEP_ALIVE_PROBES));
        Self {
            https: HttpsConnector::from((http, tls)),
            timeout,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Observed<<HttpConnector as Service<Uri>>::Response>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let request = ConnectTime::current();
        let began = Instant::now();
        let connecting = tokio::time::timeout(self.timeout, self.https.call(target));
        Box::pin(async move {
            let connected = connecting.await;
            if let Some(request) = request {
                request.took(began.elapsed());
            }
            Ok(TokioIo::new(Observed {
                stream: TokioIo::new(connected.map_err(|_| ConnectTimeout)??),
                traffic: Arc::default(),
            }))
        })
    }
}

/// A connection whose traffic is counted.
pub(super) struct Observed<T> {
    stream: TokioIo<MaybeHttpsStream<T>>,
    traffic: Arc<Traffic>,
}

impl<T> Connection for Observed<T>
where
    MaybeHttpsStream<T>: Connection,
{
    fn connected(&self) -> Connected {
        self.stream.inner().connected().extra(Arc::clone(&self.traffic))
    }
}

impl<T> AsyncRead for Observed<T>
where
    MaybeHttpsStream<T>: hyper::rt::Read + Unpin,
{
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        let count = u64::try_from(buffer.filled().len() - before).unwrap_or(u64::MAX);
        self.traffic.received.fetch_add(count, Ordering::Relaxed);
        Poll::Ready(read)
    }
}

impl<T> AsyncWrite for Observed<T>
where
    MaybeHttpsStream<T>: hyper::rt::Write + Unpin,
{
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
