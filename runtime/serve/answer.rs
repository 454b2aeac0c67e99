//! A response's body, whose end is known to others than its connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::excuse::Client;
use crate::host::ResponseBody;

/// What a client is answered with.
pub(super) struct Answer {
    body: ResponseBody,
    client: Arc<Client>,
}

impl Answer {
    pub(super) fn new(body: ResponseBody, client: Arc<Client>) -> Self {
        Self { body, client }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.client.has_all();
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = <ResponseBody as Body>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
