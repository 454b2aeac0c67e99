//! The end of the process: each WebSocket is closed with 1001 then, and each connection of TCP.

use std::sync::LazyLock;

use tokio::sync::watch;

static STOPS: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Every WebSocket is to be closed, and no other is opened for long.
pub(crate) fn stop() {
    STOPS.send_replace(true);
}

/// Waits until that.
pub(crate) async fn stopped() {
    let mut stops = STOPS.subscribe();
    if stops.wait_for(|stops| *stops).await.is_err() {
        std::future::pending::<()>().await;
    }
}
