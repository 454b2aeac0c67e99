//! `[identity]`.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::duration;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// The URL that `iss` names.
    pub(crate) issuer: String,
    /// The SPIFFE trust domain.
    pub(crate) trust_domain: String,
    /// How long a token lives.
    #[serde(default = "minute", deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) ttl: Duration,
    /// A P-256 key that the owner looks after, or a key on a token (a `pkcs11:` URI), instead of those in the state folder.
    pub(crate) key: Option<PathBuf>,
    /// How long a signing key is used.
    #[serde(default = "month", deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) rotate: Duration,
    /// The CA that issues client certificates (PEM).
    pub(crate) issuing_certificate: Option<PathBuf>,
    /// Its key: a file (PEM), or a `pkcs11:` URI.
    pub(crate) issuing_key: Option<PathBuf>,
    /// The PKCS #11 module that reaches the token, where a key is a `pkcs11:` URI.
    pub(crate) module: Option<String>,
    /// The name of the secret that holds the token's PIN.
    pub(crate) pin: Option<String>,
    /// How long an issued certificate lives.
    #[serde(default = "hour", deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) certificate_ttl: Duration,
}

const fn minute() -> Duration {
    Duration::from_mins(1)
}

const fn hour() -> Duration {
    Duration::from_hours(1)
}

const fn month() -> Duration {
    Duration::from_hours(30 * 24)
}
