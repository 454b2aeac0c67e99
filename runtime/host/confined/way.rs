//! The way out of the isolates of a confined process: over the link that an event came by.

use std::rc::Rc;

use deno_error::JsErrorBox;
use futures_util::future::LocalBoxFuture;
use workerd_lite_ops::fetch::Egress;
use workerd_lite_ops::websocket::is_handshake;
use workerd_lite_ops::{FetchError, Origin, Request, Response};

use super::event::LinkEvent;
use crate::boundary::{Envelope, Failure, answered, ask};
use crate::host::isolation::NO_SOCKETS;

/// Every isolate's.
pub(super) struct WayBack;

impl Egress for WayBack {
    fn fetch(
        &self,
        origin: &Origin,
        _binding: Option<u32>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let event = LinkEvent::of(&origin.trace);
        Box::pin(async move {
            // Held no longer than it takes to ask: a request that is under way keeps no event from its end.
            let event = event.ok_or(FetchError::EventEnded)?;
            if is_handshake(&request) {
                return Err(FetchError::Loaded(JsErrorBox::type_error(NO_SOCKETS)));
            }
            let envelope = Envelope {
                to: 0,
                event: event.id(),
                request_id: None,
                cf: None,
            };
            let back = event.back().clone();
            drop(event);
            let request = ask(&envelope, request).map_err(|error| FetchError::Invalid(error.to_string()))?;
            let response = back.sender.clone().send_request(request).await;
            let response = response.map_err(|_| FetchError::OutboundWorker)?;
            let answered = answered(response, back.headers, None).await;
            answered
                .map_err(|_| FetchError::OutboundWorker)?
                .map_err(Failure::of_fetch)
        })
    }
}

impl WayBack {
    pub(super) fn shared() -> Rc<dyn Egress> {
        Rc::new(Self)
    }
}
