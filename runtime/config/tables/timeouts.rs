//! `[timeouts]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::duration;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timeouts {
    /// Until a client's request has come as far as its body, and between two requests of a connection.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) head: Duration,
    /// Until a connection stands, its name's look-up and TLS included.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) connect: Duration,
    /// Until a name is looked up.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) lookup: Duration,
    /// Until the response's head.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) first_byte: Duration,
    /// Between two pieces of a response's body.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) idle: Duration,
    /// Until somebody reads the next piece of a response's body, the policy, an agent or a client.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) unread: Duration,
    /// Until the policy responds.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) policy: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            connect: Duration::from_secs(5),
            lookup: Duration::from_secs(4),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            unread: Duration::from_mins(1),
            policy: Duration::from_secs(30),
        }
    }
}
