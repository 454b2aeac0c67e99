//! Where isolates are, of an agent or of the policy.

use serde::{Deserialize, Serialize};

/// Where isolates are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In the process that has the network and the keys.
    #[default]
    Isolate,
    /// In a process of an agent's tenant, or of its own where it has none, that can do nothing but compute and ask.
    Process,
}
