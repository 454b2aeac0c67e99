//! A link's socket. A pair's writer is told whenever its reader has read, which wakes a thread for nothing where it has nothing more to
//! write: so whether it can be written is only asked where it once could not.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll, ready};

use rustix::net::{SendFlags, send};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

#[expect(unsafe_code, reason = "a descriptor is watched that the runtime does not own")]
fn watched(stream: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    // SAFETY: it is open, and stays so until the watcher is dropped, which owns it.
    unsafe { AsyncFd::register_with_interest(stream, interest) }.map_err(Into::into)
}

/// The socket, which does not block.
pub(super) struct Socket {
    reads: AsyncFd<UnixStream>,
    /// The same one, while it is full.
    full: Option<AsyncFd<UnixStream>>,
}

impl Socket {
    /// Call it inside a tokio runtime.
    pub(super) fn of(stream: UnixStream) -> io::Result<Self> {
        Ok(Self {
            reads: watched(stream, Interest::READABLE)?,
            full: None,
        })
    }

    /// Reads what there is, up to the buffer's length, which is not 0.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.reads.poll_read_ready(cx))?;
            match self.reads.get_ref().read(buffer) {
                Ok(count) => {
                    // That was all: what comes next is told of anew.
                    if count > 0 && count < buffer.len() {
                        ready.clear_ready();
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Writes what has room.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut waited = match &self.full {
                Some(full) => Some(ready!(full.poll_write_ready(cx))?),
                None => None,
            };
            match send(self.reads.get_ref(), bytes, SendFlags::NOSIGNAL).map_err(io::Error::from) {
                Ok(count) => return Poll::Ready(Ok(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Some(ready) = &mut waited {
                        ready.clear_ready();
                    } else {
                        let again = self.reads.get_ref().try_clone()?;
                        self.full = Some(watched(again, Interest::WRITABLE)?);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// All is written.
    pub(super) fn is_written(&mut self) {
        self.full = None;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_written_when_there_is_room() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut socket = Socket::of(ours).unwrap();
        let all: Vec<u8> = (0..4_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
        let expected = all.clone();
        let reader = std::thread::spawn(move || {
            let mut seen = Vec::new();
            let mut theirs = theirs;
            while seen.len() < expected.len() {
                let mut bytes = [0; 10_000];
                let count = theirs.read(&mut bytes).unwrap();
                seen.extend_from_slice(&bytes[..count]);
            }
            theirs.write_all(b"seen").unwrap();
            seen == expected
        });
        let mut rest = &all[..];
        while !rest.is_empty() {
            let count = poll_fn(|cx| socket.poll_write(cx, rest)).await.unwrap();
            rest = &rest[count..];
        }
        socket.is_written();
        let mut bytes = [0; 100];
        let mut came = 0;
        while came < 4 {
            came += poll_fn(|cx| socket.poll_read(cx, &mut bytes)).await.unwrap();
        }
        assert_eq!(&bytes[..came], b"seen");
        assert!(reader.join().unwrap());
        assert_eq!(
            poll_fn(|cx| socket.poll_read(cx, &mut bytes)).await.unwrap(),
            0,
            "the other end is closed"
        );
    }
}
