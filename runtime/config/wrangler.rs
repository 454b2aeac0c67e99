//! wrangler's file, read unmodified. What we cannot honour is said once and ignored, so that it stays deployable.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::limits::WranglerLimits;

/// The fields of `wrangler.jsonc`, `wrangler.json` or `wrangler.toml` that mean something here.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wrangler {
    pub(super) name: Option<String>,
    pub(super) main: Option<PathBuf>,
    #[serde(default)]
    pub(super) vars: Map<String, Value>,
    #[serde(default)]
    pub(super) mtls_certificates: Vec<MtlsCertificate>,
    #[serde(rename = "$schema")]
    _schema: Option<Value>,
    #[serde(rename = "compatibility_date")]
    _compatibility_date: Option<String>,
    #[serde(rename = "compatibility_flags")]
    pub(super) compatibility_flags: Option<Vec<String>>,
    #[serde(default)]
    pub(super) limits: WranglerLimits,
}

/// A binding of a client certificate.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MtlsCertificate {
    /// Its name in `env`.
    pub(super) binding: String,
    /// A name of `[certificates]`.
    pub(super) certificate_id: String,
}
