//! Where connections come in: the clients' listener and the owner's. A process that takes another's place listens on the
//! same sockets, and nobody is refused meanwhile.
#![expect(clippy::disallowed_types, reason = "listeners live in this room")]

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use tokio::net::TcpListener;

use super::{Options, ServeError};
use crate::admin;

/// The listeners of one server.
pub(super) struct Listeners {
    pub(super) clients: TcpListener,
    pub(super) owner: Option<TcpListener>,
}

impl Listeners {
    /// Takes the sockets that another process listened on, and binds where there are none.
    pub(super) async fn bind(options: &Options, inherited: Vec<OwnedFd>) -> Result<Self, ServeError> {
        let failed = |address| move |why| ServeError::Listen { address, why };
        let mut inherited = inherited.into_iter();
        let clients = match inherited.next() {
            Some(socket) => listen(socket),
            None => TcpListener::bind(options.listen).await,
        };
        let clients = clients.map_err(failed(options.listen))?;
        let owner = match (options.admin, inherited.next()) {
            (Some(address), Some(socket)) => Some(listen(socket).map_err(failed(address))?),
            (Some(address), None) => Some(admin::bind(address).await.map_err(failed(address))?),
            (None, _) => None,
        };
        Ok(Self { clients, owner })
    }

    /// The sockets, for the process after this one.
    pub(super) fn sockets(&self) -> Vec<BorrowedFd<'_>> {
        let owner = self.owner.as_ref().map(TcpListener::as_fd);
        std::iter::once(self.clients.as_fd()).chain(owner).collect()
    }
}

fn listen(socket: OwnedFd) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
