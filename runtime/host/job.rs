//! A request on its way to another thread, and its response on its way back.

use tokio::sync::oneshot;
use workerd_lite_ops::EventError;
use workerd_lite_ops::trace::TraceIds;

use super::transferable::{TransferableRequest, TransferableResponse};

/// A request for another thread, and where its response goes.
pub(super) struct Job {
    pub(super) request: TransferableRequest,
    pub(super) trace: TraceIds,
    pub(super) reply: oneshot::Sender<Result<TransferableResponse, EventError>>,
}
