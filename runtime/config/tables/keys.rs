//! `[keys]`.

use schemars::JsonSchema;
use serde::Deserialize;

/// What keys on tokens (`pkcs11:` URIs) are reached by, where their own tables do not say.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    /// The PKCS #11 module: a path, or a name that is found where modules are kept, such as `libsofthsm2.so`.
    pub(crate) module: Option<String>,
    /// The name of the secret that holds the token's PIN. A URI may name a file instead (`pin-source`).
    pub(crate) pin: Option<String>,
    /// Whether keys in PEM files are in a process of their own, which reads the files and signs: this one has none of them then (Linux).
    #[serde(default)]
    pub(crate) process: bool,
}
