//! Limits. For now the wall clock of one step; CPU, memory and counts are not limited yet.

use std::cell::Cell;
use std::time::Duration;

/// Waits for `work` as long as something moves: the time begins anew whenever `progress` has changed. Gives nothing
/// where it was up.
pub(crate) async fn within<T>(limit: Duration, progress: &Cell<u64>, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        let before = progress.get();
        match tokio::time::timeout(limit, work.as_mut()).await {
            Ok(output) => return Some(output),
            Err(_) if progress.get() != before => {}
            Err(_) => return None,
        }
    }
}
