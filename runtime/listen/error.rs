//! Why nothing can be listened on, and what to do about it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;

use listeners::{Protocol, get_process_by_port};
use miette::Diagnostic;
use rustix::io::Errno;

use super::address::ListenAddress;
use super::listener::Role;

/// What went wrong.
#[derive(Debug)]
pub(super) enum Cause {
    Tcp(SocketAddr, io::Error),
    /// A name that has no address.
    Name(io::Error),
    Folder(PathBuf, io::Error),
    PathTooLong,
    /// The file is something else.
    NoSocket,
    /// Another server is there.
    Answers,
    System(io::Error),
}

impl Cause {
    pub(super) fn is_in_use(&self) -> bool {
        matches!(self, Self::Tcp(_, why) if why.kind() == ErrorKind::AddrInUse)
    }

    /// Whether this machine has no such address.
    pub(super) fn is_absent(&self) -> bool {
        let absent = |why: &io::Error| {
            matches!(
                Errno::from_io_error(why),
                Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT)
            )
        };
        matches!(self, Self::Tcp(_, why) if absent(why))
    }
}

/// An address that is not listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {why}")]
pub struct ListenError {
    address: String,
    why: String,
    help: String,
}

impl Diagnostic for ListenError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }
}

impl ListenError {
    pub(super) fn new(address: &ListenAddress, role: Role, cause: Cause) -> Self {
        let another = match role {
            Role::Clients | Role::Plain => {
                "Choose another with --listen or --port, for example --listen 127.0.0.1:0 for a free port"
            }
            Role::Owner => "Choose another with `listen` under [admin]",
        };
        let (why, help) = match cause {
            Cause::Tcp(at, why) if why.kind() == ErrorKind::AddrInUse => in_use(at, another),
            Cause::Tcp(at, why) if why.kind() == ErrorKind::PermissionDenied => (
                format!("this user may not listen on port {}", at.port()),
                format!(
                    "Ports below 1024 are the system's: let systemd listen (docs/listening.md) or give the unit \
                     AmbientCapabilities=CAP_NET_BIND_SERVICE. {another}"
                ),
            ),
            Cause::Tcp(at, why) if why.kind() == ErrorKind::AddrNotAvailable => (
                format!("this machine does not have the address {}", at.ip()),
                format!("`ip address` lists those that it has. {another}"),
            ),
            Cause::Tcp(_, why) | Cause::System(why) if why.kind() == ErrorKind::PermissionDenied => (
                "this user may not write there".to_owned(),
                format!("Give the folder to the user, for a unit by RuntimeDirectory=workerd-lite. {another}"),
            ),
            Cause::Tcp(_, why) | Cause::System(why) => (why.to_string(), another.to_owned()),
            Cause::Name(why) => (
                format!("its name has no address: {why}"),
                format!("Write an address, or look at /etc/hosts. {another}"),
            ),
            Cause::Folder(folder, why) => (
                format!("the folder {} can not be read: {why}", folder.display()),
                "Make the folder first; for a unit systemd does, by RuntimeDirectory=workerd-lite".to_owned(),
            ),
            Cause::PathTooLong => (
                "the path of a socket has 107 bytes at most".to_owned(),
                "Choose a shorter path, such as unix:/run/workerd-lite/http.sock".to_owned(),
            ),
            Cause::NoSocket => (
                "there is a file, and it is no socket: it stays".to_owned(),
                "Choose another path, or remove the file".to_owned(),
            ),
            Cause::Answers => (
                "another server answers there".to_owned(),
                "Stop that one first, or choose another path".to_owned(),
            ),
        };
        Self {
            address: address.to_string(),
            why,
            help,
        }
    }

    /// A socket that whoever started the program gave, and that is none.
    pub(crate) fn given(why: &io::Error) -> Self {
        Self {
            address: "a socket that was given".to_owned(),
            why: why.to_string(),
            help: "A systemd socket unit has ListenStream= and Accept=no: docs/listening.md".to_owned(),
        }
    }
}

fn in_use(at: SocketAddr, another: &str) -> (String, String) {
    match get_process_by_port(at.port(), Protocol::TCP) {
        Ok(process) if process.pid == std::process::id() => (
            "this server listens on the port already".to_owned(),
            format!("Leave out one of the two. {another}"),
        ),
        Ok(process) => (
            format!("the port is in use by {} (process {})", process.name, process.pid),
            format!("Stop that one first. {another}"),
        ),
        Err(_) => (
            "the port is in use by another process".to_owned(),
            format!(
                "`ss -ltnp 'sport = :{}'`, as root, tells by which. {another}",
                at.port()
            ),
        ),
    }
}
