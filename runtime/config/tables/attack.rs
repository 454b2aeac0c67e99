//! `[attack]`: what `workerd-lite test --attack` is to let pass.

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attack {
    /// Hosts that the policy may reach though nothing names them, such as `*.example.com`, or `*` for all.
    pub(crate) allow: Vec<String>,
    /// Why. It is printed with each report.
    pub(crate) reason: String,
}
