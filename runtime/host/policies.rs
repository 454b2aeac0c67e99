//! Where a thread's agents find their policy: in isolates of this process, or in processes of its own.

use std::rc::Rc;
use std::sync::Arc;

use workerd_lite_ops::CallerId;

use super::callable::Callable;
use super::policy_cells::PolicyCells;
use super::processes::{ProcessCallee, ProcessLinks};
use crate::isolate::CellHandle;
use crate::isolate::modules::Graph;

/// Where it is.
#[derive(Clone)]
pub(super) enum Policies {
    Cells(Rc<PolicyCells>),
    Processes(Rc<ProcessLinks>),
}

impl Policies {
    /// What an agent's requests pass, and who the agent is there. Its code has run on this thread, or in its process.
    pub(super) fn of(&self, place: usize) -> Option<(Callable, CallerId)> {
        match self {
            Self::Cells(cells) => cells.of(place).map(|(cell, caller)| (cell.into(), caller)),
            Self::Processes(links) => {
                let agent = links.agent(place)?;
                let callee = ProcessCallee::new(links, (place, &agent));
                // Whose events they are is known here, by the agent's place.
                Some((Callable::Process(callee), CallerId::try_from(place).ok()?))
            }
        }
    }

    /// The same, where it is in an isolate of this thread.
    pub(super) fn cell_of(&self, place: usize) -> Option<(CellHandle, CallerId)> {
        match self {
            Self::Cells(cells) => cells.of(place),
            Self::Processes(_) => None,
        }
    }

    /// The policy's modules.
    pub(super) fn graph(&self) -> Option<&Arc<Graph>> {
        match self {
            Self::Cells(cells) => Some(cells.graph()),
            Self::Processes(links) => links.policy_graph(),
        }
    }

    /// An agent's isolate was stopped: what its policy has left of its requests is garbage. In a process it is no memory of this one.
    pub(super) fn collect(&self, agent: usize) {
        if let Self::Cells(cells) = self {
            cells.collect(agent);
        }
    }

    /// How many events do something yet, where it is in isolates of this process.
    pub(super) fn at_work(&self) -> usize {
        match self {
            Self::Cells(cells) => cells.at_work(),
            Self::Processes(_) => 0,
        }
    }

    /// Ends everything at once.
    pub(super) fn abort(&self) {
        match self {
            Self::Cells(cells) => cells.abort(),
            Self::Processes(links) => links.abort(),
        }
    }

    /// Takes no more requests, and waits until the events under way have ended.
    pub(super) async fn drained(&self) {
        match self {
            Self::Cells(cells) => cells.drained().await,
            Self::Processes(links) => links.drained().await,
        }
    }
}
