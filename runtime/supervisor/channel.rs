//! What the supervisor and its worker process say to each other, over a pair of sockets: one of them is the worker's
//! standard input. Each message is one packet, and its files go with it. Either knows by the end of the packets that the other is gone.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair, sockopt,
};

use crate::listen::{Role, Socket};

/// How many files go with a message at most.
const FILES: usize = 64;

/// How many bytes a message has at most.
const SIZE: usize = 1024;

/// What is said.
#[derive(Debug)]
pub(super) enum Message {
    /// To a worker process: the records, whether another has served before it, the sockets that there are, and how often it says that it is
    /// alive.
    Begin {
        running: OwnedFd,
        history: OwnedFd,
        served: bool,
        sockets: Vec<Socket>,
        alive: Option<Duration>,
    },
    /// From it: requests are answered on these sockets, by so many agents.
    Ready { sockets: Vec<Socket>, agents: u32 },
    /// Another process is to take its place.
    Replace,
    /// It has loaded its project anew, or tried to.
    Reloaded { agents: u32 },
    /// It works.
    Alive,
}

/// One end.
#[derive(Debug)]
pub(super) struct Channel(OwnedFd);

impl Channel {
    /// Both ends: the supervisor's, and what becomes the worker's standard input.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(ours), theirs))
    }

    /// The worker's end.
    pub(super) fn stdin() -> io::Result<Self> {
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        // Fails where it is no such socket.
        if sockopt::socket_type(&socket)? != SocketType::SEQPACKET {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self(socket))
    }

    /// Another handle of the same end.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Says something. Its sockets stay with who says it.
    pub(super) fn send(&self, message: &Message) -> io::Result<()> {
        let (mut bytes, mut files): (Vec<u8>, Vec<BorrowedFd<'_>>) = (Vec::new(), Vec::new());
        match message {
            Message::Begin {
                running,
                history,
                served,
                sockets,
                alive,
            } => {
                bytes.extend([b'b', u8::from(*served)]);
                bytes.extend(
                    alive
                        .map_or(0, |alive| u64::try_from(alive.as_micros()).unwrap_or(u64::MAX))
                        .to_le_bytes(),
                );
                files.extend([running.as_fd(), history.as_fd()]);
                push(sockets, &mut bytes, &mut files);
            }
            Message::Ready { sockets, agents } => {
                bytes.push(b'r');
                bytes.extend(agents.to_le_bytes());
                push(sockets, &mut bytes, &mut files);
            }
            Message::Replace => bytes.push(b'x'),
            Message::Reloaded { agents } => {
                bytes.push(b'l');
                bytes.extend(agents.to_le_bytes());
            }
            Message::Alive => bytes.push(b'a'),
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&files)) {
            return Err(io::Error::other("there are more sockets than a process can be given"));
        }
        sendmsg(&self.0, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Waits for what the other says.
    ///
    /// # Errors
    /// Where the other is gone, or says what is not understood.
    pub(super) fn receive(&self) -> io::Result<Message> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [0; SIZE];
        let received = rustix::io::retry_on_intr(|| {
            recvmsg(
                &self.0,
                &mut [IoSliceMut::new(&mut bytes)],
                &mut control,
                RecvFlags::CMSG_CLOEXEC,
            )
        })?;
        let mut files = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                files.extend(received);
            }
        }
        if received.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let said = bytes.get(..received.bytes).unwrap_or_default();
        read(said, files).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Waits until the other is gone.
    pub(super) fn closed(&self) {
        while self.receive().is_ok() {}
    }
}

/// A byte for each socket: whom it is for, and whether it was given.
fn push<'s>(sockets: &'s [Socket], bytes: &mut Vec<u8>, files: &mut Vec<BorrowedFd<'s>>) {
    for socket in sockets {
        let role = match socket.role {
            Role::Clients => 0,
            Role::Owner => 1,
            Role::Plain => 4,
        };
        bytes.push(role | u8::from(socket.given) << 1);
        files.push(socket.fd.as_fd());
    }
}

fn pull(bytes: &[u8], files: impl Iterator<Item = OwnedFd>) -> Vec<Socket> {
    let sockets = bytes.iter().zip(files).map(|(byte, fd)| Socket {
        role: match byte & 5 {
            0 => Role::Clients,
            4 => Role::Plain,
            _ => Role::Owner,
        },
        given: byte & 2 != 0,
        fd,
    });
    sockets.collect()
}

fn read(bytes: &[u8], files: Vec<OwnedFd>) -> Option<Message> {
    let (kind, rest) = bytes.split_first()?;
    let mut files = files.into_iter();
    let number = || {
        let (number, rest) = rest.split_first_chunk()?;
        Some((u32::from_le_bytes(*number), rest))
    };
    Some(match kind {
        b'b' => {
            let (served, rest) = rest.split_first()?;
            let (alive, rest) = rest.split_first_chunk()?;
            let alive = u64::from_le_bytes(*alive);
            Message::Begin {
                running: files.next()?,
                history: files.next()?,
                served: *served > 0,
                alive: (alive > 0).then(|| Duration::from_micros(alive)),
                sockets: pull(rest, files),
            }
        }
        b'r' => {
            let (agents, rest) = number()?;
            Message::Ready {
                agents,
                sockets: pull(rest, files),
            }
        }
        b'x' => Message::Replace,
        b'l' => Message::Reloaded { agents: number()?.0 },
        b'a' => Message::Alive,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn sockets_pass_and_ends_are_noticed() {
        let (ours, theirs) = Channel::pair().unwrap();
        let theirs = Channel(theirs);
        let (given, mut other) = UnixStream::pair().unwrap();
        let socket = |role, given_to_us| Socket {
            role,
            given: given_to_us,
            fd: given.as_fd().try_clone_to_owned().unwrap(),
        };
        let sockets = vec![socket(Role::Owner, true), socket(Role::Clients, false)];
        ours.send(&Message::Ready { sockets, agents: 7 }).unwrap();
        ours.send(&Message::Alive).unwrap();
        ours.send(&Message::Replace).unwrap();
        drop(given);
        let Message::Ready { mut sockets, agents: 7 } = theirs.receive().unwrap() else {
            panic!("another message");
        };
        assert!(matches!(theirs.receive().unwrap(), Message::Alive));
        assert!(matches!(theirs.receive().unwrap(), Message::Replace));
        assert_eq!(sockets.len(), 2);
        let last = sockets.pop().unwrap();
        assert!((last.role, last.given) == (Role::Clients, false));
        assert!((sockets[0].role, sockets[0].given) == (Role::Owner, true));
        drop(sockets);
        UnixStream::from(last.fd).write_all(b"through").unwrap();
        let mut text = String::new();
        other.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        drop(ours);
        theirs.closed();
        theirs.receive().unwrap_err();
    }
}
