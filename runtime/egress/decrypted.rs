//! What TLS has decrypted, record by record. One read may take many records; each that carries something is one that is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::wire::Unread;

/// Reads records for as long as there is room.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// What came after bytes that were given first.
    failed: Option<io::Error>,
}

impl Records {
    /// Reads from what decrypts, and tells `unread` of each record.
    pub(super) fn poll_read<S: AsyncBufRead + Unpin>(
        &mut self,
        tls: &mut S,
        unread: &Unread,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error));
        }
        let before = buffer.filled().len();
        while buffer.remaining() > 0 {
            let has_some = buffer.filled().len() > before;
            let record = match Pin::new(&mut *tls).poll_fill_buf(cx) {
                Poll::Ready(Ok([])) => break,
                Poll::Ready(Ok(record)) => record,
                Poll::Ready(Err(error)) if has_some => {
                    self.failed = Some(error);
                    break;
                }
                Poll::Pending if has_some => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            let count = record.len().min(buffer.remaining());
            buffer.put_slice(&record[..count]);
            Pin::new(&mut *tls).consume(count);
            unread.is_read();
        }
        Poll::Ready(Ok(()))
    }
}

/// A connection under TLS that is read by records.
#[derive(Debug)]
pub(super) struct Decrypted<S> {
    tls: S,
    records: Records,
    unread: Unread,
}

impl<S> Decrypted<S> {
    pub(super) fn new(tls: S, unread: Unread) -> Self {
        Self {
            tls,
            records: Records::default(),
            unread,
        }
    }
}

impl<S: AsyncBufRead + Unpin> AsyncRead for Decrypted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { tls, records, unread } = &mut *self;
        records.poll_read(tls, unread, cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Decrypted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Gives records, then an error.
    struct Given(VecDeque<&'static [u8]>);

    impl AsyncRead for Given {
        fn poll_read(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            unreachable!("records are read as they are")
        }
    }

    impl AsyncBufRead for Given {
        fn poll_fill_buf(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
            Poll::Ready(match self.get_mut().0.front() {
                Some(record) => Ok(record),
                None => Err(io::ErrorKind::ConnectionReset.into()),
            })
        }

        fn consume(mut self: Pin<&mut Self>, count: usize) {
            let rest: &'static [u8] = &self.0[0][count..];
            if rest.is_empty() {
                self.0.pop_front();
            } else {
                self.0[0] = rest;
            }
        }
    }

    #[tokio::test]
    async fn records_fill_what_there_is_and_an_error_comes_behind_them() {
        let given = Given([&b"ab"[..], b"cd", b"efgh"].into());
        let mut read = Decrypted::new(given, Unread::default());
        let mut room = [0; 5];
        assert_eq!(read.read(&mut room).await.unwrap(), 5);
        assert_eq!(&room, b"abcde");
        assert_eq!(read.read(&mut room).await.unwrap(), 3);
        assert_eq!(&room[..3], b"fgh");
        let failed = read.read(&mut room).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::ConnectionReset);
    }
}
