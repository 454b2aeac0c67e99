//! Bodies that leave their thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use deno_core::unsync::spawn;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::account::{Account, metered};
use crate::byte_stream::ByteStream;
use crate::error::BodyError;

/// Chunks on their way. Together with their size this bounds what one body holds in memory.
const CHUNKS: usize = 8;

/// The end of a body that is on another thread than its source. When it is dropped the source is too, and learns of it.
#[derive(Debug)]
pub struct Pumped {
    chunks: mpsc::Receiver<Result<Bytes, BodyError>>,
    complete: Arc<AtomicBool>,
    failed: bool,
}

/// Pumps the chunks of a body through a bounded channel, which is its backpressure. `moved` is called after each chunk.
pub fn pump(mut source: ByteStream, moved: impl Fn() + 'static) -> Pumped {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    let complete = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&complete);
    let pumping = async move {
        loop {
            let chunk = tokio::select! {
                biased;
                () = sender.closed() => break,
                chunk = source.next() => chunk,
            };
            let Some(chunk) = chunk else {
                end.store(true, Ordering::Release);
                break;
            };
            if sender.send(chunk).await.is_err() {
                break;
            }
            moved();
        }
    };
    // For whom it is asked to.
    spawn(metered(Account::current(), pumping));
    Pumped {
        chunks,
        complete,
        failed: false,
    }
}

impl Pumped {
    /// The next chunk. A source that went away before its end is an error, never an end.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match std::task::ready!(self.chunks.poll_recv(cx)) {
            Some(chunk) => {
                self.failed |= chunk.is_err();
                Poll::Ready(Some(chunk))
            }
            None if self.failed || self.complete.load(Ordering::Acquire) => Poll::Ready(None),
            None => {
                self.failed = true;
                Poll::Ready(Some(Err(BodyError::Cut)))
            }
        }
    }
}
