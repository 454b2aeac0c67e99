//! `[timeouts]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::duration;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timeouts {
    /// Until a connection stands, TLS included.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) connect: Duration,
    /// Until the response's head.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) first_byte: Duration,
    /// Between two pieces of a response's body.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) idle: Duration,
    /// Until the policy responds.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) policy: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            policy: Duration::from_secs(30),
        }
    }
}
