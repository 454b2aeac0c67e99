//! A response's body that reports its end to the connection's state, and goes where the client does not read it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use workerd_lite_ops::BodyError;

use super::access::Access;
use super::load_shedding::Exchange;
use crate::host::ResponseBody;
use crate::limits::Unread;

/// A response's body with the request that it answers.
pub(super) struct TrackedBody {
    body: Tracked,
    /// Nothing where the request goes on as a WebSocket.
    tracked: Option<(Access, Exchange)>,
}

enum Tracked {
    /// It is here whole.
    Whole(ResponseBody),
    Stream(Unread<ResponseBody>, SizeHint),
}

impl TrackedBody {
    /// `unread` is how long the client may read nothing of it.
    pub(super) fn new(body: ResponseBody, mut access: Access, exchange: Exchange, unread: Duration) -> Self {
        if body.is_end_stream() {
            access.is_whole();
        }
        let body = if body.is_stream() {
            let client = Arc::clone(exchange.client());
            let hint = body.size_hint();
            let body = Unread::watched(body, unread, move || client.does_not_read());
            Tracked::Stream(body, hint)
        } else {
            Tracked::Whole(body)
        };
        Self {
            body,
            tracked: Some((access, exchange)),
        }
    }

    /// The body of the head that opens a WebSocket: none.
    pub(super) fn none(body: ResponseBody) -> Self {
        Self {
            body: Tracked::Whole(body),
            tracked: None,
        }
    }

    fn access(&mut self, tell: impl FnOnce(&mut Access)) {
        if let Some((access, _)) = &mut self.tracked {
            tell(access);
        }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match &mut self.body {
            Tracked::Whole(body) => ready!(Pin::new(body).poll_frame(cx)),
            Tracked::Stream(body, _) => {
                let polled = ready!(body.poll_with(cx, |body, cx| Pin::new(body).poll_frame(cx)));
                polled.unwrap_or(Some(Err(BodyError::Unread)))
            }
        };
        match &frame {
            Some(Ok(frame)) => self.access(|access| {
                access.sends(frame.data_ref().map_or(0, Bytes::len));
                // Nobody asks for what is behind them.
                if frame.is_trailers() {
                    access.is_whole();
                }
            }),
            Some(Err(_)) => {}
            None => self.access(Access::is_whole),
        }
        if matches!(&self.body, Tracked::Whole(_)) {
            // It is asked for nothing more.
            self.access(Access::is_whole);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Tracked::Whole(body) => body.is_end_stream(),
            Tracked::Stream(..) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Tracked::Whole(body) => body.size_hint(),
            Tracked::Stream(_, hint) => *hint,
        }
    }
}
