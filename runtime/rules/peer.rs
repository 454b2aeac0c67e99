//! Patterns of addresses, as `[network]` allows and denies them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// One entry of `allow` or `deny`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// Whatever is neither private nor local.
    Public,
    /// Private networks and everything local (RFC 6890's special-purpose addresses).
    Private,
    /// The machine itself.
    Local,
    /// A block of addresses.
    Block(IpNet),
}

impl fmt::Display for Peer {
    /// As it is written.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => to.write_str("public"),
            Self::Private => to.write_str("private"),
            Self::Local => to.write_str("local"),
            Self::Block(block) => block.fmt(to),
        }
    }
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "public" => Ok(Self::Public),
            "private" => Ok(Self::Private),
            "local" => Ok(Self::Local),
            _ => text
                .parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map(Self::Block)
                .map_err(|_| format!("expected \"public\", \"private\", \"local\" or a block of addresses like \"10.0.0.0/8\", found {text:?}")),
        }
    }
}
