//! Who asks, as far as whoever accepted the connection knows it.

use std::net::IpAddr;
use std::sync::Arc;

/// A request's client. Whoever calls an [`Instance`](super::Instance) puts it into the request's extensions; it is not taken from
/// what the request says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// Its address, where it is known.
    pub address: Option<IpAddr>,
    /// Whether it asked over TLS, which ended here or before us.
    pub https: bool,
    /// What is known of its TLS connection, as members of `request.cf` in JSON, where that ended here.
    pub tls: Option<Arc<str>>,
}
