//! What the supervisor and its worker process say to each other, over a pair of sockets: one of them is the worker's
//! standard input. The supervisor begins with one byte, the records, and the listening sockets where it has them; the worker
//! answers with one byte and the sockets, and with another byte where it wants to be replaced. Either knows by the end of the stream that the other is gone.

use std::io::{self, IoSlice, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// One end.
#[derive(Debug)]
pub(super) struct Channel(UnixStream);

impl Channel {
    /// Both ends: the supervisor's, and what becomes the worker's standard input.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        Ok((Self(ours), theirs.into()))
    }

    /// The worker's end.
    pub(super) fn stdin() -> io::Result<Self> {
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        // Fails where it is no such socket.
        socket.peer_addr()?;
        Ok(Self(socket))
    }

    /// Another handle of the same end.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Says something, with at most four files.
    pub(super) fn send(&self, files: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(files));
        sendmsg(&self.0, &[IoSlice::new(&[1])], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Waits for what the other says. Gives the files that came with it.
    ///
    /// # Errors
    /// Where the other is gone.
    pub(super) fn receive(&self) -> io::Result<Vec<OwnedFd>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let received = recvmsg(
            &self.0,
            &mut [IoSliceMut::new(&mut byte)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        if received.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut files = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                files.extend(received);
            }
        }
        Ok(files)
    }

    /// Waits until the other is gone.
    pub(super) fn closed(&mut self) {
        let mut byte = [0];
        while self.0.read(&mut byte).is_ok_and(|count| count > 0) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_pass_and_ends_are_noticed() {
        let (ours, theirs) = Channel::pair().unwrap();
        let mut theirs = Channel(theirs.into());
        let (given, mut other) = UnixStream::pair().unwrap();
        ours.send(&[given.as_fd()]).unwrap();
        ours.send(&[given.as_fd(), given.as_fd()]).unwrap();
        drop(given);
        assert_eq!(theirs.receive().unwrap().len(), 1);
        let mut files = theirs.receive().unwrap();
        assert_eq!(files.len(), 2);
        let socket = files.remove(0);
        drop(files);
        io::Write::write_all(&mut UnixStream::from(socket), b"through").unwrap();
        let mut text = String::new();
        other.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        drop(ours);
        theirs.closed();
        theirs.receive().unwrap_err();
    }
}
