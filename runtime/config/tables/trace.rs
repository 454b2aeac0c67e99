//! `[trace]`.

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Trace {
    /// Whether `x-request-id` and `traceparent` are added to agents' requests, before the policy sees them.
    pub(crate) propagate: bool,
}
