//! Bodies that a script makes piece by piece.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use deno_core::{AsyncResult, BufView, Resource};
use futures_util::stream::Stream;

use crate::error::BodyError;
use crate::events::Writing;

/// The largest piece that is read at once from a script's stream, in bytes.
const CHUNK: usize = 64 * 1024;

/// A stream that a script produces, behind the resource that `deno_web` makes for it.
pub(super) struct ScriptStream {
    resource: Rc<dyn Resource>,
    reading: Option<AsyncResult<BufView>>,
    done: bool,
    _writing: Writing,
}

impl ScriptStream {
    pub(super) fn new(resource: Rc<dyn Resource>, writing: Writing) -> Self {
        Self {
            resource,
            reading: None,
            done: false,
            _writing: writing,
        }
    }
}

impl Stream for ScriptStream {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        let resource = Rc::clone(&self.resource);
        let reading = self.reading.get_or_insert_with(|| resource.read(CHUNK));
        let result = std::task::ready!(reading.as_mut().poll(cx));
        self.reading = None;
        match result {
            Ok(view) if view.is_empty() => {
                self.done = true;
                Poll::Ready(None)
            }
            // A copy: the script still holds the memory and could change it after the policy has looked.
            Ok(view) => Poll::Ready(Some(Ok(Bytes::copy_from_slice(&view)))),
            Err(error) => {
                self.done = true;
                Poll::Ready(Some(Err(BodyError::Script(error.to_string().into()))))
            }
        }
    }
}

impl Drop for ScriptStream {
    fn drop(&mut self) {
        Rc::clone(&self.resource).close();
    }
}
