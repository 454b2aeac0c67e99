//! Sockets that listen, and whose they are.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::path::PathBuf;
use std::task::Poll;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, accept_with, getsockname, sockopt};

use super::stream::{Incoming, Stream};

/// How many connections may wait to be accepted.
pub(super) const BACKLOG: i32 = 1024;

/// Whom a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Agents answer there.
    Clients,
    /// Agents answer there too, and TLS is never spoken.
    Plain,
    /// The owner's own listener.
    Owner,
}

/// A socket that listens, on its way from process to process.
#[derive(Debug)]
pub struct Socket {
    /// Whom it is for.
    pub role: Role,
    /// Whether whoever started the program gave it: it stays theirs.
    pub given: bool,
    /// The socket.
    pub fd: OwnedFd,
}

impl Socket {
    /// Another handle of the same socket.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            fd: self.fd.try_clone()?,
            ..*self
        })
    }
}

#[derive(Debug)]
enum Kind {
    Tcp(tokio::net::TcpListener, SocketAddr),
    Unix(tokio::net::UnixListener, Option<PathBuf>),
}

/// A socket that is listened on.
#[derive(Debug)]
pub(crate) struct Listener {
    kind: Kind,
    given: bool,
    /// No TLS is spoken there, whatever `[tls]` says.
    plain: bool,
    /// No other process has it.
    alone: bool,
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.alone {
            self.remove();
        }
    }
}

impl Listener {
    /// Fails where it is no socket that connections come to.
    pub(crate) fn new(fd: OwnedFd, given: bool) -> io::Result<Self> {
        let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why);
        if sockopt::socket_type(&fd)? != SocketType::STREAM || !sockopt::socket_acceptconn(&fd)? {
            return Err(wrong("it is no socket that listens for streams"));
        }
        let family = getsockname(&fd)?.address_family();
        let kind = if family == AddressFamily::UNIX {
            let listener = std::os::unix::net::UnixListener::from(fd);
            listener.set_nonblocking(true)?;
            let path = listener.local_addr()?.as_pathname().map(ToOwned::to_owned);
            Kind::Unix(tokio::net::UnixListener::from_std(listener)?, path)
        } else if [AddressFamily::INET, AddressFamily::INET6].contains(&family) {
            let listener = std::net::TcpListener::from(fd);
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Kind::Tcp(tokio::net::TcpListener::from_std(listener)?, address)
        } else {
            return Err(wrong("it is neither of TCP nor a file"));
        };
        Ok(Self {
            kind,
            given,
            plain: false,
            alone: false,
        })
    }

    /// The same, where TLS is never spoken.
    pub(crate) fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Whether that is so.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// One that this process has bound. Its file goes with it, until another process has it too.
    pub(super) fn bound(fd: OwnedFd) -> io::Result<Self> {
        let mut listener = Self::new(fd, false)?;
        listener.alone = true;
        Ok(listener)
    }

    /// Where it is, for people: `http://127.0.0.1:8787`, or `unix:/run/x.sock`.
    pub(crate) fn shown(&self) -> String {
        match &self.kind {
            Kind::Tcp(_, address) => format!("http://{address}"),
            Kind::Unix(_, Some(path)) => format!("unix:{}", path.display()),
            Kind::Unix(_, None) => "a socket without a name".to_owned(),
        }
    }

    /// Its address, where it has one.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match &self.kind {
            Kind::Tcp(_, address) => Some(*address),
            Kind::Unix(..) => None,
        }
    }

    /// The same socket, for another process.
    pub(crate) fn socket(&mut self, role: Role) -> io::Result<Socket> {
        self.alone = false;
        Ok(Socket {
            role,
            given: self.given,
            fd: self.as_fd().try_clone_to_owned()?,
        })
    }

    /// Takes its file away, where it is ours.
    pub(crate) fn remove(&self) {
        if let (Kind::Unix(_, Some(path)), false) = (&self.kind, self.given) {
            // A file that was put there in its place is somebody else's.
            if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// The next of the connections that wait already. The system is asked: what came since the runtime last looked is seen.
    pub(crate) fn accept_waiting(&self) -> Option<Stream> {
        let fd = loop {
            match accept_with(self, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                accepted => break accepted.ok()?,
            }
        };
        let stream = match self.kind {
            Kind::Tcp(..) if self.plain => Incoming::Plain(fd.into()),
            Kind::Tcp(..) => Incoming::Tcp(fd.into()),
            Kind::Unix(..) => Incoming::Unix(fd.into()),
        };
        stream.into_stream().ok()
    }

    fn poll_accept(&self, cx: &mut std::task::Context<'_>) -> Poll<io::Result<Stream>> {
        match &self.kind {
            Kind::Tcp(listener, _) => listener.poll_accept(cx).map(|accepted| {
                accepted.map(|(stream, _)| {
                    if self.plain {
                        Stream::Plain(stream)
                    } else {
                        Stream::Tcp(stream)
                    }
                })
            }),
            Kind::Unix(listener, _) => listener
                .poll_accept(cx)
                .map(|accepted| accepted.map(|(stream, _)| Stream::Unix(stream))),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.kind {
            Kind::Tcp(listener, _) => listener.as_fd(),
            Kind::Unix(listener, _) => listener.as_fd(),
        }
    }
}

/// Accepts the next connection of any of them. `turn` is the one that is looked at first, so that none waits for ever.
pub(crate) async fn accept(listeners: &[Listener], turn: &mut usize) -> io::Result<Stream> {
    poll_fn(|cx| {
        for step in 0..listeners.len() {
            let index = (*turn + step) % listeners.len();
            if let Poll::Ready(accepted) = listeners[index].poll_accept(cx) {
                *turn = index + 1;
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    })
    .await
}
