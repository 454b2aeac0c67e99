//! Sockets that whoever started the program gave, as systemd does (sd_listen_fds(3)): one that is called `admin` is for the owner, one called
//! `plain` for clients without TLS, and any other for clients.

use std::os::fd::OwnedFd;

use listenfd::ListenFd;

use super::error::ListenError;
use super::listener::{Role, Socket};

/// The variables that tell of them.
pub(crate) const VARIABLES: [&str; 5] = [
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "LISTEN_PIDFDID",
    "LISTEN_FDS_FIRST_FD",
];

/// What it is called that is for the owner.
const OWNER: &str = "admin";

/// What it is called where TLS is never spoken.
const PLAIN: &str = "plain";

/// Takes them. They are no other process's from now on.
pub(crate) fn given() -> Result<Vec<Socket>, ListenError> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut sockets = Vec::new();
    // Of another process, or of none that is said.
    if std::env::var_os("LISTEN_PID").is_none() {
        return Ok(sockets);
    }
    let mut fds = ListenFd::from_env();
    for index in 0..fds.len() {
        let role = match names.next() {
            Some(OWNER) => Role::Owner,
            Some(PLAIN) => Role::Plain,
            _ => Role::Clients,
        };
        let fd = match fds.take_unix_listener(index) {
            Ok(listener) => listener.map(OwnedFd::from),
            Err(_) => fds
                .take_tcp_listener(index)
                .map_err(|why| ListenError::given(&why))?
                .map(OwnedFd::from),
        };
        sockets.extend(fd.map(|fd| Socket { role, given: true, fd }));
    }
    Ok(sockets)
}
