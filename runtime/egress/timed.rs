//! What a record learns of its request's times while that is under way.

use std::pin::pin;

use super::connect_time::ConnectTime;
use crate::audit::Open;

/// Performs a request, and tells its record when the connection stands and when the response's head is there.
pub(super) async fn timed<T, E>(
    executing: impl Future<Output = Option<Result<T, E>>>,
    open: &mut Open,
) -> Option<Result<T, E>> {
    if !open.is_recorded() {
        return executing.await;
    }
    let time = ConnectTime::default();
    open.sends();
    let mut executing = pin!(time.measure(executing));
    let executed = loop {
        tokio::select! {
            biased;
            executed = &mut executing => break executed,
            () = time.stands() => open.connected(time.get()),
        }
    };
    open.connected(time.get());
    if matches!(executed, Some(Ok(_))) {
        open.answered();
    }
    executed
}
