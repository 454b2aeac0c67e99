//! Where this server itself listens. No script reaches that by the network, whatever the address rules say: there it would ask in
//! nobody's name.
#![expect(
    clippy::disallowed_types,
    reason = "asks the system whose an address is, and sends nothing"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{PoisonError, RwLock};

use deno_core::url::{Host, Url};

use super::address::reached;

static OURS: RwLock<Vec<SocketAddr>> = RwLock::new(Vec::new());

/// One more, as long as this process lives.
pub(crate) fn add(listener: SocketAddr) {
    let mut ours = OURS.write().unwrap_or_else(PoisonError::into_inner);
    if !ours.contains(&listener) {
        ours.push(listener);
    }
}

/// Whether a connection to this address would be one to ourselves.
pub(super) fn is_ours(target: SocketAddr) -> bool {
    let ours = OURS.read().unwrap_or_else(PoisonError::into_inner);
    ours.iter().any(|listener| hears(*listener, target))
}

/// The address of a URL that names one, where that is one of ours.
pub(super) fn denied_literal(url: &Url) -> Option<IpAddr> {
    let address: IpAddr = match url.host()? {
        Host::Ipv4(address) => address.into(),
        Host::Ipv6(address) => address.into(),
        Host::Domain(_) => return None,
    };
    is_ours(SocketAddr::new(address, url.port_or_known_default()?)).then_some(address)
}

fn hears(listener: SocketAddr, target: SocketAddr) -> bool {
    if listener.port() != target.port() {
        return false;
    }
    let (own, asked) = (reached(listener.ip()), here(reached(target.ip())));
    own == asked || (own.is_unspecified() && is_local(asked))
}

/// What a connection to no address in particular reaches.
fn here(address: IpAddr) -> IpAddr {
    match address {
        address if !address.is_unspecified() => address,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    }
}

/// Whether an address is one of this machine's: only these can be bound.
fn is_local(address: IpAddr) -> bool {
    address.is_loopback() || std::net::UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_known_by_every_name_of_its_address() {
        let rows = [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("127.0.0.1:80", "[::ffff:127.0.0.1]:80", true),
            ("127.0.0.1:80", "[::ffff:0.0.0.0]:80", true),
            ("127.0.0.1:80", "[64:ff9b::127.0.0.1]:80", true),
            ("[::1]:80", "[::1]:80", true),
            ("[::1]:80", "[::]:80", true),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "127.7.7.7:80", true),
            ("0.0.0.0:80", "192.0.2.1:80", false),
            ("[::]:80", "[::1]:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::]:80", "[2001:db8::1]:80", false),
        ];
        for (listener, target, ours) in rows {
            let heard = hears(listener.parse().unwrap(), target.parse().unwrap());
            assert_eq!(heard, ours, "{listener} {target}");
        }
    }
}
