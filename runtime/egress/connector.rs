//! Connections of the HTTP client: TCP and TLS within their time, and who opened them.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tower_service::Service;

use super::connect_time::ConnectTime;
use super::dns::Resolver;
use super::observed::Observed;
use super::places::{Places, Taken};
use super::wire::{Dialer, HttpConnector, Unread, Wire};

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// How long a connection is silent before the system asks whether the peer is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often the system asks in vain before it gives a connection up.
const KEEP_ALIVE_PROBES: u32 = 3;

/// A connection did not stand in its time.
#[derive(Debug, thiserror::Error)]
#[error("the connection could not be opened in time: see [timeouts] connect")]
pub(super) struct ConnectTimeout;

/// A connection over which no HTTP is spoken.
pub(super) struct Opened {
    pub(super) wire: Wire,
    pub(super) unread: Unread,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) taken: Taken,
}

/// Opens connections.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    resolver: Resolver,
    tls: Arc<ClientConfig>,
    timeout: Duration,
    places: Places,
    /// Whether HTTP/2 is spoken with prior knowledge.
    h2c: bool,
}

impl Connector {
    /// `timeout` is for a connection, TLS included.
    pub(super) fn new(resolver: Resolver, tls: ClientConfig, timeout: Duration, places: Places) -> Self {
        Self {
            resolver,
            tls: Arc::new(tls),
            timeout,
            places,
            h2c: false,
        }
    }

    /// The same, for connections that speak HTTP/2 with prior knowledge.
    pub(super) fn for_h2c(&self) -> Self {
        Self {
            h2c: true,
            ..self.clone()
        }
    }

    /// The same, for connections that are to speak HTTP/1.1: no other opens WebSockets.
    pub(super) fn for_http1(&self) -> Self {
        let mut tls = ClientConfig::clone(&self.tls);
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            tls: Arc::new(tls),
            ..self.clone()
        }
    }

    /// The same, for connections over which another protocol is spoken.
    pub(super) fn without_alpn(&self) -> Self {
        let mut tls = ClientConfig::clone(&self.tls);
        tls.alpn_protocols = Vec::new();
        Self {
            tls: Arc::new(tls),
            ..self.clone()
        }
    }

    /// Opens a connection to a host and port, in the clear, and gives what it takes for TLS.
    pub(super) async fn open(&self, target: Uri) -> Result<Opened, BoxError> {
        let unread = Unread::default();
        let mut dialer = self.dialer_of(port(&target), &unread);
        let connecting = async {
            let taken = self.places.take().await?;
            let wire = dialer.call(target).await?.into_inner();
            Ok::<_, BoxError>(Opened {
                wire,
                unread,
                tls: Arc::clone(&self.tls),
                taken,
            })
        };
        let connected = tokio::time::timeout(self.timeout, connecting).await;
        connected.map_err(|_| ConnectTimeout)?
    }

    fn dialer_of(&self, port: u16, unread: &Unread) -> Dialer {
        let mut http = HttpConnector::new_with_resolver(self.resolver.clone().for_port(port));
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(self.timeout));
        http.set_keepalive(Some(KEEP_ALIVE));
        http.set_keepalive_interval(Some(KEEP_ALIVE));
        http.set_keepalive_retries(Some(KEEP_ALIVE_PROBES));
        let unread = unread.clone();
        Dialer { http, unread }
    }

    /// What opens one connection to a port.
    fn dialer(&self, port: u16, unread: &Unread) -> HttpsConnector<Dialer> {
        HttpsConnector::from((self.dialer_of(port, unread), Arc::clone(&self.tls)))
    }
}

/// The port that a target's connection goes to.
fn port(target: &Uri) -> u16 {
    let standard = if target.scheme_str() == Some("https") { 443 } else { 80 };
    target.port_u16().unwrap_or(standard)
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Observed>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let request = ConnectTime::current();
        let began = Instant::now();
        let unread = Unread::default();
        let mut dialer = self.dialer(port(&target), &unread);
        let (places, timeout, h2c) = (self.places, self.timeout, self.h2c);
        let connecting = async move {
            let taken: Taken = places.take().await?;
            let stream = dialer.call(target).await?;
            Ok::<_, BoxError>(Observed::new(stream, unread, taken, h2c))
        };
        Box::pin(async move {
            let connected = tokio::time::timeout(timeout, connecting).await;
            if let Some(request) = request {
                request.took(began.elapsed());
            }
            Ok(TokioIo::new(connected.map_err(|_| ConnectTimeout)??))
        })
    }
}
