//! `[outbound]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::limits::Limits;
use super::mtls_certificate::MtlsCertificate;
use super::rule::Rule;
use crate::config::values::data;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outbound {
    /// The policy's script.
    pub(crate) main: Option<PathBuf>,
    /// A wrangler file of the policy's own, instead of `main`.
    pub(crate) config: Option<PathBuf>,
    /// Who shares an isolate of it.
    #[serde(default)]
    pub(crate) isolate_per: IsolatePer,
    /// Plain values of its `env`.
    #[serde(default, deserialize_with = "data")]
    pub(crate) vars: Map<String, Value>,
    /// Names of secrets that its `env` holds as text: JavaScript can read them.
    #[serde(default)]
    pub(crate) secrets: Vec<String>,
    /// Names of its bindings that load workers, by `env.LOADER.load()` and `get()`.
    #[serde(default)]
    pub(crate) loaders: Vec<String>,
    /// Bindings of client certificates.
    #[serde(default)]
    pub(crate) mtls_certificates: Vec<MtlsCertificate>,
    /// Bindings of credentials.
    #[serde(default)]
    pub(crate) credentials: Vec<CredentialBinding>,
    /// The export that judges; `default` without it.
    pub(crate) entrypoint: Option<String>,
    /// What it reads as `ctx.props`.
    #[serde(default, deserialize_with = "data")]
    pub(crate) props: Map<String, Value>,
    /// What joins its `env`.
    #[serde(default, deserialize_with = "data")]
    pub(crate) parameters: Map<String, Value>,
    /// What it may use.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// What the policy itself may reach, judged after it. Without rules: all that the address rules allow.
    pub(crate) egress: Option<Vec<Rule>>,
}

/// Who shares an isolate of the policy.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum IsolatePer {
    /// The agents of a tenant. One that has no tenant shares with nobody.
    #[default]
    Tenant,
    /// Nobody.
    Agent,
    /// All agents.
    Server,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialBinding {
    /// Its name in `env`.
    pub(crate) binding: String,
    /// A name of `[credentials]`.
    pub(crate) credential: String,
    /// Whether `x-request-id` and `traceparent` go along; as `[trace]` says without it.
    pub(crate) propagate_trace: Option<bool>,
}
