//! What goes to another thread: a request or a call for an agent of which one works apart.

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use tokio::sync::oneshot;
use workerd_lite_ops::EventError;
use workerd_lite_ops::account::{Account, AgentId};
use workerd_lite_ops::trace::TraceIds;

use super::transferable::{TransferableRequest, TransferableResponse};
use crate::identity::Attested;

/// Who calls whom: the caller's place in the whole project, what is attested of it, and the other one.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) from: usize,
    pub(super) caller: Attested,
    pub(super) id: AgentId,
}

/// A call on its way to another thread.
pub(super) struct FarJob {
    pub(super) begins: Begins,
    pub(super) work: Work,
}

/// What is called, by whom, and as a part of what.
pub(super) struct Begins {
    pub(super) route: Route,
    pub(super) entrypoint: Option<String>,
    pub(super) props: String,
    pub(super) trace: TraceIds,
}

/// What it asks for.
pub(super) enum Work {
    Request(
        Box<TransferableRequest>,
        oneshot::Sender<Result<TransferableResponse, EventError>>,
    ),
    /// What comes over this link as the event of this number. The link itself comes with the first of them.
    Call {
        link: u64,
        end: Option<LinkEnd>,
        event: u32,
    },
}

/// Hands a call to a thread. Gives whether that takes it.
pub(super) type Post = Box<dyn Fn(FarJob) -> bool>;

/// The called end of a link, on its way to its thread.
pub(super) struct LinkEnd {
    pub(super) socket: UnixStream,
    /// For whom the link works: the agent that works apart.
    pub(super) account: Option<Arc<Account>>,
}

impl FarJob {
    /// The part of the way that it is.
    pub(super) fn trace(&self) -> TraceIds {
        self.begins.trace.clone()
    }

    /// Nobody takes it.
    pub(super) fn refuse(self) {
        match self.work {
            Work::Request(_, reply) => {
                let _ = reply.send(Err(EventError::Shutdown));
            }
            // Its link ends, which who waits hears of.
            Work::Call { end, .. } => drop(end),
        }
    }
}
