//! How threads and their connections learn that the server stops.

use tokio::sync::watch;

/// How a thread stands with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    /// It serves.
    No,
    /// It finishes what it has.
    Drain,
    /// It gives up what it has.
    Cut,
}

/// Waits until what is under way is given up.
pub(super) async fn cut(mut stopping: watch::Receiver<Stop>) {
    if stopping.wait_for(|stop| *stop == Stop::Cut).await.is_err() {
        // Nobody can say so any longer.
        std::future::pending::<()>().await;
    }
}
