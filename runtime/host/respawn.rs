//! Respawns a worker's cell: where one was stopped, a fresh one takes its place and its queue.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use deno_core::unsync::spawn;
use workerd_lite_ops::Termination;
use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::egress::EgressHandle;

use super::backoff::Backoff;
use super::blanks::Blanks;
use super::isolates::Isolates;
use crate::isolate::{Blank, Callers, Cell, CellHandle, Ended, Worker};
use crate::limits::Quarantine;
use crate::metrics;

/// How long it takes what a stopped isolate had under way to end elsewhere.
const AFTERMATH: Duration = Duration::from_millis(100);

/// How long a worker that does not start is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// How an agent stands.
type Whose = Rc<dyn Fn(&AgentId) -> Option<Arc<Quarantine>>>;

/// What is around a worker's cells.
pub(super) struct Surroundings {
    /// Where its requests go.
    pub(super) egress: EgressHandle,
    /// Collects what a stopped isolate has left elsewhere.
    pub(super) garbage: Option<Box<dyn Fn()>>,
    /// How those stand for whom it works.
    pub(super) whose: Whose,
    /// Among which its isolates are.
    pub(super) isolates: Arc<Isolates>,
    /// Isolates that are ready for it.
    pub(super) blanks: Option<Rc<Blanks>>,
    /// What is done where it does not start.
    pub(super) patience: Patience,
}

/// What is done where a worker does not start.
pub(super) enum Patience {
    /// It is started again, until it does.
    Endless,
    /// It ends. Whoever asks for it is told how it went.
    None(Arc<Backoff>),
}

/// Runs a cell, and those that come after it, until its handle is closed. Without one, it is started when it may be.
pub(super) async fn respawn(
    worker: Worker,
    surroundings: Surroundings,
    callers: Callers,
    handle: CellHandle,
    mut cell: Option<Cell>,
) {
    let Surroundings {
        egress,
        garbage,
        whose,
        isolates,
        blanks,
        patience,
    } = surroundings;
    let garbage: Option<Rc<dyn Fn()>> = garbage.map(Into::into);
    let inbox = handle.inbox();
    let quarantine = worker.quarantine.as_ref();
    loop {
        if let Some(cell) = cell.take() {
            let (why, blamed, wanted) = match cell.run().await {
                Ended::Closed => return,
                Ended::Stopped(why, blamed) => (why, blamed, true),
                Ended::Lingered(why, blamed) => (why, blamed, false),
            };
            // The policy works for agents: it was one of them that it was stopped for.
            let account = worker.account.as_ref().or(blamed.as_ref());
            let id = account.map(|account| account.id());
            if let Some(quarantine) = quarantine.cloned().or_else(|| whose(id?)) {
                quarantine.record_stop();
            }
            let policy = worker.account.is_none().then_some(worker.name.as_str());
            metrics::replaced(policy, id, why);
            let culprit = worker.culprit().works_for(id);
            let (agent, tenant) = (id.map(|id| &*id.name), id.and_then(|id| id.tenant.as_deref()));
            tracing::error!(target: "worker", worker = %culprit, agent, tenant, "its isolate was stopped and is replaced: {why}");
            if let Some(collect) = garbage.clone() {
                spawn(async move {
                    tokio::time::sleep(AFTERMATH).await;
                    collect();
                });
            }
            if !wanted {
                inbox.arrival().await;
            }
        }
        cell = loop {
            if !quarantine.is_some_and(|quarantine| quarantine.is_ejected()) {
                let egress = EgressHandle::clone(&egress);
                let kind = worker.blank_kind();
                // What is ready has memory of its own, which is then this one's.
                let ready = blanks.as_ref().and_then(|blanks| blanks.take(kind));
                let room = match &patience {
                    Patience::None(_) => isolates.room().await,
                    // Those that have memory wait for it.
                    Patience::Endless => Ok(isolates.room_anyway()),
                };
                let Ok(room) = room else {
                    tracing::error!(target: "worker", worker = worker.label(), "all isolates are at work, and there is no memory for one more: see [isolates] memory_mb");
                    inbox.refuse(Termination::Busy);
                    return;
                };
                let blank = ready.unwrap_or_else(|| Blank::make(kind));
                match worker.boot_in(blank, inbox.clone(), egress, &callers).await {
                    Ok(cell) => {
                        drop(room);
                        if let Patience::None(backoff) = &patience {
                            backoff.started();
                        }
                        break Some(cell);
                    }
                    Err(error) => {
                        let id = worker.account.as_ref().map(|account| account.id());
                        let (agent, tenant) = (id.map(|id| &*id.name), id.and_then(|id| id.tenant.as_deref()));
                        tracing::error!(target: "worker", worker = worker.label(), agent, tenant, "it could not be started: {:?}", miette::Report::new(error));
                        inbox.refuse(Termination::Startup);
                        if let Patience::None(backoff) = &patience {
                            backoff.failed();
                            return;
                        }
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
