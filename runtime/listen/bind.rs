//! Binds what is written to sockets.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::os::fd::OwnedFd;

use rustix::net::sockopt::set_socket_reuseport;
use socket2::{Domain, Protocol, Socket, Type};

use super::address::ListenAddress;
use super::error::{Cause, ListenError};
use super::listener::{BACKLOG, Listener, Role};
use super::{successor, unix};

/// How often a free port is looked for that all addresses of a name have free.
const TRIES: usize = 16;

/// Listens on all of these, for whom it is said. `or_free` are addresses in whose place a free port is good too.
pub(crate) fn bind(
    addresses: &[ListenAddress],
    role: Role,
    or_free: Option<&ListenAddress>,
) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::new();
    for address in addresses {
        let failed = |cause| ListenError::new(address, role, cause);
        let bound = match sockets(address, addresses, false) {
            // Whoever listens there may be about to stop.
            Err(cause) if cause.is_in_use() && role == Role::Owner => {
                let beside = sockets(address, addresses, true).ok();
                beside.and_then(successor::alone).ok_or(cause)
            }
            bound => bound,
        };
        let bound = match bound {
            Err(cause) if cause.is_in_use() && or_free == Some(address) => {
                sockets(&address.clone().with_port(0), addresses, false)
            }
            bound => bound,
        };
        for socket in bound.map_err(failed)? {
            let listener = Listener::bound(socket).map_err(|why| failed(Cause::System(why)))?;
            listeners.push(if address.tls() == Some(false) {
                listener.plain()
            } else {
                listener
            });
        }
    }
    Ok(listeners)
}

/// `shared`: whether others may listen there that let others.
fn sockets(address: &ListenAddress, all: &[ListenAddress], shared: bool) -> Result<Vec<OwnedFd>, Cause> {
    match address.place() {
        ListenAddress::Tls(..) => Err(Cause::System(io::ErrorKind::InvalidInput.into())),
        ListenAddress::Unix(path, mode) => Ok(vec![unix::bind(path, *mode)?]),
        ListenAddress::Tcp(address) => Ok(vec![tcp(*address, all, shared)?]),
        ListenAddress::Any(port) => {
            let [four, six] = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
            let bound = match tcp(SocketAddr::new(six, *port), all, shared) {
                Err(cause) if cause.is_absent() => tcp(SocketAddr::new(four, *port), all, shared),
                bound => bound,
            };
            Ok(vec![bound?])
        }
        ListenAddress::Name(name, port) => {
            let addresses: Vec<IpAddr> = if name == "localhost" {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            } else {
                let found = (name.as_str(), *port).to_socket_addrs().map_err(Cause::Name)?;
                let mut found: Vec<_> = found.map(|address| address.ip()).collect();
                found.sort();
                found.dedup();
                found
            };
            for _ in 1..TRIES {
                match each(&addresses, *port, all, shared) {
                    Err(cause) if cause.is_in_use() && *port == 0 => {}
                    bound => return bound,
                }
            }
            each(&addresses, *port, all, shared)
        }
    }
}

/// The same port on all of these addresses, but on those that this machine does not have.
fn each(addresses: &[IpAddr], mut port: u16, all: &[ListenAddress], shared: bool) -> Result<Vec<OwnedFd>, Cause> {
    let (mut bound, mut absent) = (Vec::new(), None);
    for address in addresses {
        match tcp(SocketAddr::new(*address, port), all, shared) {
            Ok(socket) => {
                if port == 0 {
                    let listener = socket2::SockRef::from(&socket).local_addr().map_err(Cause::System)?;
                    port = listener.as_socket().map_or(0, |address| address.port());
                }
                bound.push(socket);
            }
            Err(cause) if cause.is_absent() => absent = Some(cause),
            Err(cause) => return Err(cause),
        }
    }
    match absent {
        Some(cause) if bound.is_empty() => Err(cause),
        _ if bound.is_empty() => Err(Cause::Name(io::ErrorKind::NotFound.into())),
        _ => Ok(bound),
    }
}

fn tcp(address: SocketAddr, all: &[ListenAddress], shared: bool) -> Result<OwnedFd, Cause> {
    let listen = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            // IPv4 comes in there too, but where that has a listener of its own.
            let four = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
            socket.set_only_v6(
                !address.ip().is_unspecified() || all.iter().any(|other| *other.place() == ListenAddress::Tcp(four)),
            )?;
        }
        socket.set_reuse_address(true)?;
        if shared {
            set_socket_reuseport(&socket, true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        io::Result::Ok(socket.into())
    };
    listen().map_err(|why| Cause::Tcp(address, why))
}
