//! A worker that events are handed to, wherever its isolate is.

use futures_util::future::{Either, LocalBoxFuture};
use workerd_lite_ops::rpc::{Call, Started};
use workerd_lite_ops::{EventError, Origin, Request, Response, Target};

use super::far::FarCallee;
use super::processes::ProcessCallee;
use crate::isolate::{CellHandle, Dispatch};

/// A worker.
#[derive(Clone)]
pub(super) enum Callable {
    /// In an isolate of this thread.
    Cell(CellHandle),
    /// An agent in a process, or the policy in one.
    Process(ProcessCallee),
    /// An agent on another thread of this process.
    Far(FarCallee),
}

impl From<CellHandle> for Callable {
    fn from(cell: CellHandle) -> Self {
        Self::Cell(cell)
    }
}

impl Callable {
    /// Begins an event with a call.
    pub(super) fn call(&self, call: Call, origin: Origin, door: u32, target: Option<Target>) -> Started {
        match self {
            Self::Cell(cell) => cell.call(call, origin, door, target),
            Self::Process(agent) => agent.call(call, origin, door, target),
            Self::Far(agent) => agent.call(call, &origin, target),
        }
    }

    /// Begins an event with a request. Dropping the future cancels it.
    pub(super) fn dispatch_to(
        &self,
        request: Request,
        origin: Origin,
        target: Option<Target>,
    ) -> Either<Dispatch, LocalBoxFuture<'static, Result<Response, EventError>>> {
        match self {
            Self::Cell(cell) => Either::Left(cell.dispatch_to(request, origin, target)),
            Self::Process(agent) => Either::Right(Box::pin(agent.clone().dispatch(request, origin, target))),
            Self::Far(agent) => Either::Right(Box::pin(agent.clone().dispatch(request, origin, target))),
        }
    }

    /// Whether it has several callers, for each of whom it may be stopped.
    pub(super) fn is_shared(&self) -> bool {
        match self {
            Self::Cell(cell) => cell.is_shared(),
            Self::Process(agent) => agent.is_shared(),
            Self::Far(_) => true,
        }
    }
}
