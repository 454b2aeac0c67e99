//! wrangler's file, read unmodified. What we cannot honour is said once and ignored, so that it stays deployable.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::tables::{MtlsCertificate, WranglerLimits};

/// The fields of `wrangler.jsonc`, `wrangler.json` or `wrangler.toml` that mean something here.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wrangler {
    pub(crate) name: Option<String>,
    pub(crate) main: Option<PathBuf>,
    #[serde(default)]
    pub(crate) vars: Map<String, Value>,
    #[serde(default)]
    pub(crate) mtls_certificates: Vec<MtlsCertificate>,
    #[serde(rename = "$schema")]
    _schema: Option<Value>,
    #[serde(rename = "compatibility_date")]
    _compatibility_date: Option<String>,
    #[serde(rename = "compatibility_flags")]
    pub(crate) compatibility_flags: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) limits: WranglerLimits,
}
