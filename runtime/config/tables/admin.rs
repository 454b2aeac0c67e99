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
    /// Names by which it is asked, such as that of a service. This machine's own, its addresses and that of the issuer need none.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// How many agents have metrics of their own (200 by default). The rest are counted together, as the agent `(other)`.
    pub(crate) metrics_agents: Option<usize>,
}
