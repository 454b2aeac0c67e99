//! How long a request waited for its connection: the HTTP client's pool says nothing of it, so the connector does.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// The request under way. A connection is begun within the request that needs it.
    static REQUEST: ConnectTime;
}

/// What a request learns of its connection.
#[derive(Debug, Clone, Default)]
pub(super) struct ConnectTime(Arc<AtomicU64>);

impl ConnectTime {
    /// Runs a request under this clock.
    pub(super) async fn measure<T>(&self, request: impl Future<Output = T>) -> T {
        REQUEST.scope(self.clone(), request).await
    }

    /// How long the connection took, TLS included. None passed where one was there already.
    pub(super) fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// Measures a client's connector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timed;

/// A connector that is measured.
#[derive(Debug, Clone)]
pub(super) struct TimedConnector<S>(S);

impl<S> Layer<S> for Timed {
    type Service = TimedConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimedConnector(inner)
    }
}

impl<S, R> Service<R> for TimedConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let request = REQUEST.try_with(Clone::clone).ok();
        let began = Instant::now();
        let connecting = self.0.call(target);
        Box::pin(async move {
            let connected = connecting.await;
            if let Some(ConnectTime(took)) = request {
                let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                took.store(micros.max(1), Ordering::Relaxed);
            }
            connected
        })
    }
}
