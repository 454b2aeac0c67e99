//! `[access_log]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccessLog {
    /// Where lines go, one JSON object for each request; standard output without it, or where it is `-`.
    pub(crate) file: Option<PathBuf>,
    /// Names of query parameters whose values are shown.
    pub(crate) query: Vec<String>,
}
