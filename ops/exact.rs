//! A body that promises its length: it is counted as it passes, whoever promised, and ends there or not at all.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::Stream;

use crate::byte_stream::ByteStream;
use crate::error::BodyError;

/// A stream that fails where it is not as long as it promised. Nothing beyond its length comes out of it.
pub(crate) struct Exact {
    stream: Option<ByteStream>,
    promised: u64,
    left: u64,
}

impl Exact {
    /// The same bytes, of which there are so many.
    pub(crate) fn new(stream: ByteStream, promised: u64) -> Self {
        Self {
            stream: Some(stream),
            promised,
            left: promised,
        }
    }

    /// It is over, and its source learns of it.
    fn fails(&mut self) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.stream = None;
        Poll::Ready(Some(Err(BodyError::Length(self.promised))))
    }
}

impl Stream for Exact {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(None);
        };
        match std::task::ready!(stream.as_mut().poll_next(cx)) {
            Some(Ok(chunk)) => match self.left.checked_sub(chunk.len() as u64) {
                Some(left) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(chunk)))
                }
                None => self.fails(),
            },
            Some(Err(error)) => {
                self.stream = None;
                Poll::Ready(Some(Err(error)))
            }
            None if self.left > 0 => self.fails(),
            None => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use futures_util::stream::iter;

    use super::*;

    /// What comes of pieces with a promised length: the bytes, and whether they end well.
    fn passed(pieces: &[&'static str], promised: u64) -> (String, bool) {
        let pieces: Vec<Result<Bytes, BodyError>> = pieces.iter().map(|piece| Ok(Bytes::from(*piece))).collect();
        let mut exact = Exact::new(iter(pieces).boxed_local(), promised);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut all = String::new();
            while let Some(piece) = exact.next().await {
                let Ok(piece) = piece else {
                    assert!(exact.next().await.is_none());
                    return (all, false);
                };
                all.push_str(std::str::from_utf8(&piece).unwrap());
            }
            (all, true)
        })
    }

    #[test]
    fn a_length_is_kept_or_the_body_fails() {
        let rows: [(&[&'static str], u64, &str, bool); 8] = [
            (&["ab", "cd"], 4, "abcd", true),
            (&[], 0, "", true),
            (&["ab", ""], 2, "ab", true),
            (&["a"], 0, "", false),
            (&["ab", "cd"], 3, "ab", false),
            (&["ab", "c"], 2, "ab", false),
            (&["ab"], 3, "ab", false),
            (&[], 1, "", false),
        ];
        for (pieces, promised, bytes, good) in rows {
            assert_eq!(
                passed(pieces, promised),
                (bytes.to_owned(), good),
                "{pieces:?} {promised}"
            );
        }
    }
}
