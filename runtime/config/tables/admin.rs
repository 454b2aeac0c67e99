//! `[admin]`.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    /// An address with a port. Bind it to loopback.
    #[schemars(with = "String")]
    pub(crate) listen: SocketAddr,
}
