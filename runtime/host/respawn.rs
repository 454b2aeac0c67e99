//! Respawns a worker's cell: where one was stopped, a fresh one takes its place and its queue.

use std::time::Duration;

use deno_core::unsync::spawn;
use workerd_lite_ops::Termination;
use workerd_lite_ops::fetch::EgressHandle;

use crate::isolate::{Caller, Cell, CellHandle, Ended, Worker};
use crate::metrics;

/// How long it takes what a stopped isolate had under way to end elsewhere.
const AFTERMATH: Duration = Duration::from_millis(100);

/// How long a worker that does not start is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs a cell, and those that come after it, until its handle is closed. Without one, it is started when it may be. Where
/// it is stopped, what its `policy` has left of its requests is garbage.
pub(super) async fn respawn(
    worker: Worker,
    (egress, policy): (EgressHandle, Option<CellHandle>),
    callers: Vec<Caller>,
    handle: CellHandle,
    mut cell: Option<Cell>,
) {
    let inbox = handle.inbox();
    let quarantine = worker.quarantine.as_ref();
    loop {
        if let Some(cell) = cell.take() {
            let (why, wanted) = match cell.run().await {
                Ended::Closed => return,
                Ended::Stopped(why) => (why, true),
                Ended::Lingered(why) => (why, false),
            };
            if let Some(quarantine) = quarantine {
                quarantine.record_stop();
            }
            metrics::replaced(&worker.name, why);
            tracing::error!(target: "worker", worker = worker.name, "its isolate was stopped and is replaced: {why}");
            if let Some(policy) = policy.clone() {
                spawn(async move {
                    tokio::time::sleep(AFTERMATH).await;
                    policy.collect();
                });
            }
            if !wanted {
                inbox.arrival().await;
            }
        }
        cell = loop {
            if !quarantine.is_some_and(|quarantine| quarantine.is_ejected()) {
                let egress = EgressHandle::clone(&egress);
                match worker.boot_again(inbox.clone(), egress, &callers).await {
                    Ok(cell) => break Some(cell),
                    Err(error) => {
                        tracing::error!(target: "worker", worker = worker.name, "it could not be started again: {:?}", miette::Report::new(error));
                        inbox.refuse(Termination::Startup);
                    }
                }
            }
            if inbox.is_closed() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        };
    }
}
