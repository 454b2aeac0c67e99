//! Keeps a worker's cell running: where one was stopped, a fresh one takes its place and its queue.

use std::time::Duration;

use workerd_lite_ops::Termination;
use workerd_lite_ops::fetch::EgressHandle;

use crate::isolate::{Caller, Cell, Ended, Worker};
use crate::metrics;

/// How long a worker that does not start is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs a cell, and those that come after it, until its handle is closed.
pub(super) async fn keep(worker: Worker, egress: EgressHandle, callers: Vec<Caller>, mut cell: Cell) {
    loop {
        let inbox = cell.inbox();
        let Ended::Stopped(why) = cell.run().await else { return };
        metrics::replaced(&worker.name, why);
        tracing::error!(target: "worker", worker = worker.name, "its isolate was stopped and is replaced: {why}");
        cell = loop {
            match worker
                .boot_again(inbox.clone(), EgressHandle::clone(&egress), &callers)
                .await
            {
                Ok(cell) => break cell,
                Err(error) => {
                    tracing::error!(target: "worker", worker = worker.name, "it could not be started again: {:?}", miette::Report::new(error));
                    inbox.refuse(Termination::Startup);
                    if inbox.is_closed() {
                        return;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
    }
}
