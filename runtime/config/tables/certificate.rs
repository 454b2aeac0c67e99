//! `[certificates.<name>]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::{limiting, limiting_parsed};
use crate::rules::HostPattern;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certificate {
    /// The chain (PEM).
    pub(crate) cert: Option<PathBuf>,
    /// The key: a file (PEM), or a `pkcs11:` URI.
    pub(crate) key: Option<PathBuf>,
    /// The PKCS #11 module that reaches the token, where a key is a `pkcs11:` URI.
    pub(crate) module: Option<String>,
    /// The name of the secret that holds the token's PIN.
    pub(crate) pin: Option<String>,
    /// Roots that the upstream must have, instead of the usual ones (PEM).
    #[serde(default, deserialize_with = "limiting")]
    pub(crate) ca: Vec<PathBuf>,
    /// Lists of what the authorities of `ca` have revoked (PEM).
    #[serde(default, deserialize_with = "limiting")]
    pub(crate) crl: Vec<PathBuf>,
    /// The only hosts that it is shown to.
    #[serde(default, deserialize_with = "limiting_parsed")]
    #[schemars(with = "Vec<String>")]
    pub(crate) hosts: Vec<HostPattern>,
    /// Issued to each agent, instead of files.
    pub(crate) issue: Option<Issue>,
}

/// For whom certificates are issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Issue {
    Agent,
}
