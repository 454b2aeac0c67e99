//! Where an agent's isolates are.

use serde::{Deserialize, Serialize};

/// Why a TCP connection is refused: none passes the link to a process.
pub(super) const NO_TCP: &str = "connect(): there are no sockets for an agent in a process of its own";

/// Where an agent's isolates are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In the process that has the policy, the network and the keys.
    #[default]
    Isolate,
    /// In a process of its tenant's, or of its own where it has none, that can do nothing but compute and ask.
    Process,
}
