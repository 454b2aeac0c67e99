//! `[admin]`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::{OneOrMore, addresses};
use crate::listen::ListenAddress;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    /// An address with a port, or a socket that is a file, as in `listen`; or several. Bind it to loopback. Without it the sockets that
    /// systemd gives by the name `admin` are all.
    #[serde(default, deserialize_with = "addresses")]
    #[schemars(with = "Option<OneOrMore>")]
    pub(crate) listen: Vec<ListenAddress>,
    /// Names by which it is asked, such as that of a service. This machine's own, its addresses and that of the issuer need none.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// How many agents have metrics of their own (200 by default). The rest are counted together, as the agent `(other)`.
    pub(crate) metrics_agents: Option<usize>,
}
