//! The denial of an address.

use std::net::IpAddr;

/// The rules deny every address of a host.
#[derive(Debug, thiserror::Error)]
#[error("the network rules deny {address}: see [network] allow and deny in workerd-lite.toml")]
pub(super) struct Denied {
    pub(super) address: IpAddr,
}
