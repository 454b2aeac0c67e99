//! Proxies whose word on a request's client, scheme and host is believed.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// One entry of `forwarded`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forwarder {
    /// Whoever has one of these addresses.
    Block(IpNet),
    /// Whoever may connect to a socket that is a file.
    Unix,
}

impl FromStr for Forwarder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        let block = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        block
            .map(Self::Block)
            .map_err(|_| format!("expected a block of addresses like \"127.0.0.1/32\", or \"unix\", found {text:?}"))
    }
}

/// All of them. Nobody is believed without one.
#[derive(Debug, Clone, Default)]
pub struct Forwarders(pub Vec<Forwarder>);

impl Forwarders {
    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether whoever has this address is one. An IPv4 address inside IPv6 is that IPv4 address.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_in = |forwarder: &Forwarder| matches!(forwarder, Forwarder::Block(block) if block.contains(&address));
        self.0.iter().any(is_in)
    }

    /// Whether processes are that connect to sockets that are files.
    pub(crate) fn has_unix(&self) -> bool {
        self.0.contains(&Forwarder::Unix)
    }
}
