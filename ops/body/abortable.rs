//! Bodies that end when what they belong to is aborted.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::Stream;

use crate::byte_stream::ByteStream;
use crate::error::BodyError;

/// A stream that fails once `aborted` is cancelled. What sends it learns of that at once: its stream is dropped.
pub(super) struct Abortable {
    stream: Option<ByteStream>,
    aborted: Pin<Box<dyn Future<Output = ()>>>,
}

impl Abortable {
    pub(super) fn new(stream: ByteStream, aborted: Pin<Box<dyn Future<Output = ()>>>) -> Self {
        Self {
            stream: Some(stream),
            aborted,
        }
    }
}

impl Stream for Abortable {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(None);
        };
        let item = stream.as_mut().poll_next(cx);
        if item.is_pending() && self.aborted.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if item.is_pending() {
            self.stream = None;
            return Poll::Ready(Some(Err(BodyError::Aborted)));
        }
        item
    }
}
