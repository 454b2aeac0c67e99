//! Where an agent's isolates are.

use serde::{Deserialize, Serialize};

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
