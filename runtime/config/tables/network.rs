//! `[network]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::{limiting, parsed};
use crate::rules::Peer;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Network {
    /// `public`, `private`, `local` or blocks such as `10.0.0.0/8`.
    #[serde(deserialize_with = "parsed")]
    #[schemars(with = "Vec<String>")]
    pub(crate) allow: Vec<Peer>,
    /// The same; the most specific rule decides.
    #[serde(deserialize_with = "parsed")]
    #[schemars(with = "Vec<String>")]
    pub(crate) deny: Vec<Peer>,
    /// Further roots (PEM).
    pub(crate) ca: Vec<PathBuf>,
    /// Lists of what the authorities of `ca` have revoked (PEM).
    #[serde(deserialize_with = "limiting")]
    pub(crate) crl: Vec<PathBuf>,
    /// DNS servers to ask instead of the system, such as `10.0.0.2:53`.
    #[schemars(with = "Vec<String>")]
    pub(crate) nameservers: Vec<SocketAddr>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            allow: vec![Peer::Public],
            deny: Vec::new(),
            ca: Vec::new(),
            crl: Vec::new(),
            nameservers: Vec::new(),
        }
    }
}
