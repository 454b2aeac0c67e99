//! A response's body that reports its end to the connection's state.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::load_shedding::Client;
use crate::host::ResponseBody;

/// A response's body with the client that receives it.
pub(super) struct TrackedBody {
    body: ResponseBody,
    client: Arc<Client>,
}

impl TrackedBody {
    pub(super) fn new(body: ResponseBody, client: Arc<Client>) -> Self {
        Self { body, client }
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        self.client.has_all();
    }
}

impl Body for TrackedBody {
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
