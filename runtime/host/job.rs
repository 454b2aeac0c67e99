//! A request on its way to another thread, and its response on its way back.

use deno_core::unsync::spawn;
use futures_util::StreamExt as _;
use tokio::sync::oneshot;
use workerd_lite_ops::trace::{Trace, TraceIds};
use workerd_lite_ops::{EventError, Request, Response};

use super::transferable::{TransferableRequest, TransferableResponse};

/// What comes back.
type Outcome = Result<TransferableResponse, EventError>;

/// A request for another thread, and where its response goes.
pub(super) struct Job {
    pub(super) request: TransferableRequest,
    pub(super) trace: TraceIds,
    pub(super) reply: oneshot::Sender<Outcome>,
}

impl Job {
    /// A job, and where its response comes.
    pub(super) fn new(request: Request, trace: &Trace) -> (Self, oneshot::Receiver<Outcome>) {
        let (reply, response) = oneshot::channel();
        let job = Self {
            request: request.into(),
            trace: trace.ids(),
            reply,
        };
        (job, response)
    }
}

/// A response whose body, or WebSocket, keeps something until it has ended.
pub(super) fn keeping(mut response: Response, kept: impl Sized + 'static) -> Response {
    if let Some(socket) = &response.socket {
        let traffic = socket.traffic();
        spawn(async move {
            traffic.ended().await;
            drop(kept);
        });
        return response;
    }
    response.body = response.body.map_stream(|stream| {
        stream
            .inspect(move |_| {
                let _ = &kept;
            })
            .boxed_local()
    });
    response
}
