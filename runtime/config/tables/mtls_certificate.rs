//! `mtls_certificates`, of wrangler's file and of `[outbound]`.

use schemars::JsonSchema;
use serde::Deserialize;

/// A binding of a client certificate.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MtlsCertificate {
    /// Its name in `env`.
    pub(crate) binding: String,
    /// A name of `[certificates]`.
    pub(crate) certificate_id: String,
    /// Whether `x-request-id` and `traceparent` go along; as `[trace]` says without it.
    pub(crate) propagate_trace: Option<bool>,
}
