//! A way for bytes from one isolate's `WritableStream` to another's `ReadableStream`: one chunk waits, and who writes the next one waits until that
//! is read.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::Stream;
use tokio::sync::mpsc;

use super::Held;
use crate::byte_stream::ByteStream;
use crate::error::BodyError;

/// Chunks that wait to be read.
const WAITING: usize = 1;

enum Part {
    Chunk(Bytes),
    Failed(String),
    End,
}

/// Where chunks are written. Dropped without an end, its reader is told that the rest is missing.
#[derive(Clone)]
pub struct PipeWriter(mpsc::Sender<Part>);

struct PipeReader {
    parts: mpsc::Receiver<Part>,
    done: bool,
    _held: Option<Held>,
}

/// A pipe. `held` is dropped with its reading end.
pub fn pipe(held: Option<Held>) -> (PipeWriter, ByteStream) {
    let (sender, parts) = mpsc::channel(WAITING);
    let reader = PipeReader {
        parts,
        done: false,
        _held: held,
    };
    (PipeWriter(sender), reader.boxed_local())
}

impl PipeWriter {
    /// Writes a chunk, once there is room. Gives whether anybody reads.
    pub async fn write(&self, chunk: Bytes) -> bool {
        self.0.send(Part::Chunk(chunk)).await.is_ok()
    }

    /// Nothing more comes.
    pub async fn end(&self) -> bool {
        self.0.send(Part::End).await.is_ok()
    }

    /// Nothing more comes, and what has come is not all.
    pub async fn fail(&self, why: String) -> bool {
        self.0.send(Part::Failed(why)).await.is_ok()
    }
}

impl Stream for PipeReader {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        let part = std::task::ready!(self.parts.poll_recv(cx));
        if !matches!(part, Some(Part::Chunk(_))) {
            self.done = true;
            self.parts.close();
        }
        Poll::Ready(match part {
            Some(Part::Chunk(chunk)) => Some(Ok(chunk)),
            Some(Part::End) => None,
            Some(Part::Failed(why)) => Some(Err(BodyError::Script(why.into()))),
            None => Some(Err(BodyError::Cut)),
        })
    }
}
