//! How long a request waited for its connection: the HTTP client's pool says nothing of it, so the connector does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

tokio::task_local! {
    /// The request under way. A connection is begun within the request that needs it.
    static REQUEST: ConnectTime;
}

/// What a request learns of its connection.
#[derive(Debug, Clone, Default)]
pub(super) struct ConnectTime(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    micros: AtomicU64,
    stands: Notify,
}

impl ConnectTime {
    /// Runs a request under this clock.
    pub(super) async fn measure<T>(&self, request: impl Future<Output = T>) -> T {
        REQUEST.scope(self.clone(), request).await
    }

    /// The clock of the request under way, if it has one.
    pub(super) fn current() -> Option<Self> {
        REQUEST.try_with(Clone::clone).ok()
    }

    /// The connection stands, or has failed.
    pub(super) fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.0.micros.store(micros.max(1), Ordering::Relaxed);
        self.0.stands.notify_one();
    }

    /// The request has a connection, be it a new one or one that was there.
    pub(super) fn is_given(&self) {
        self.0.stands.notify_one();
    }

    /// Waits until a connection stands, or has failed.
    pub(super) async fn stands(&self) {
        self.0.stands.notified().await;
    }

    /// How long the connection took, TLS included. None passed where one was there already.
    pub(super) fn get(&self) -> Duration {
        Duration::from_micros(self.0.micros.load(Ordering::Relaxed))
    }
}
