//! Contents of files: small ones at once, others piece by piece, so that a slow client holds neither memory nor a descriptor.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use workerd_lite_ops::account::Account;
use workerd_lite_ops::work_pool::WorkPool;
use workerd_lite_ops::{Body, BodyError};

use super::folder::Asset;

/// A file up to this size is read at once, in bytes; a larger one in pieces of it.
const PIECE: u64 = 256 * 1024;

/// So many files are looked for or read at once, and so many of them for one agent: a slow disk, or whoever asks for what takes long, takes
/// no more threads than these.
static READING: WorkPool = WorkPool::new("assets", 32, 8);

/// Whose files are read.
pub(super) type Whose<'a> = Option<&'a Arc<Account>>;

/// Reads, or looks, on a thread that waits for disks, in the agent's turn. Nothing where there is no thread, or that fails in a way that it
/// should not.
pub(super) async fn reading<T: Send + 'static>(
    whose: Whose<'_>,
    read: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    READING.run(whose, read).await.ok()
}

/// What a response has.
#[derive(Debug)]
pub(super) enum Content {
    /// Nothing.
    Empty,
    /// A file that was read.
    Whole(Bytes),
    /// A file that is read while it is sent.
    Pieces(Asset),
}

impl Content {
    /// The content of a file. Fails where it can not be read, or has changed since it was found.
    pub(super) fn of(asset: Asset) -> io::Result<Self> {
        let file = asset.open()?;
        if asset.length > PIECE {
            return Ok(Self::Pieces(asset));
        }
        piece(&file, 0, asset.length).map(Self::Whole)
    }

    pub(super) fn into_body(self, whose: Whose<'_>) -> Body {
        let asset = match self {
            Self::Empty => return Body::Empty,
            Self::Whole(bytes) => return Body::Full(bytes),
            Self::Pieces(asset) => Arc::new(asset),
        };
        let (length, whose) = (asset.length, whose.cloned());
        let pieces = stream::try_unfold(0, move |at| {
            let (asset, whose) = (Arc::clone(&asset), whose.clone());
            async move {
                let size = PIECE.min(length - at);
                if size == 0 {
                    return Ok(None);
                }
                let read = reading(whose.as_ref(), move || piece(&asset.open()?, at, size)).await;
                match read {
                    Some(Ok(bytes)) => Ok(Some((bytes, at + size))),
                    _ => Err(BodyError::Cut),
                }
            }
        });
        Body::stream(pieces.boxed_local(), Some(length))
    }
}

fn piece(file: &File, at: u64, size: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes.into())
}
