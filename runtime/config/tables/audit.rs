//! `[audit]`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Audit {
    /// Where records go, one JSON object a line.
    pub(crate) file: Option<PathBuf>,
    /// What happens where a record can not be written.
    pub(crate) on_failure: OnFailure,
    /// Records a second of one agent, of what does not leave (200 by default). Beyond that they are one record with a count.
    pub(crate) rate: Option<NonZeroU32>,
    /// Names of query parameters whose values are recorded.
    pub(crate) query: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnFailure {
    #[default]
    Warn,
    Deny,
}
