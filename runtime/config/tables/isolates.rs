//! `[isolates]`.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::duration;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Isolates {
    /// How long an agent's isolate is kept that has nothing to do, such as `10m`; at least a second.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) idle: Duration,
    /// Mebibytes of all isolates together, at least 32; half of the machine's memory without it. Where there is none left for another, the one
    /// is put away that was not used for the longest time.
    pub(crate) memory_mb: Option<NonZeroU32>,
    /// Whether each agent's script is run once before anything is served, so that one that fails is told of; some of them are
    /// without it, and all where they are few.
    pub(crate) eager: bool,
}

impl Default for Isolates {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(10),
            memory_mb: None,
            eager: false,
        }
    }
}
