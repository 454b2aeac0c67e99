//! `[[agents]]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::limits::Limits;
use super::rule::Rule;
use crate::config::values::{data, data_or_json, limiting_parsed};
use crate::host::Isolation;
use crate::rules::RoutePattern;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agent {
    /// Its name; that of its wrangler file without it.
    pub(crate) name: Option<String>,
    /// For whom it works.
    pub(crate) tenant: Option<String>,
    /// Its script.
    pub(crate) main: Option<PathBuf>,
    /// Its wrangler file, instead of `main`.
    pub(crate) config: Option<PathBuf>,
    /// The folder that its modules come from, seen from that of its script or wrangler file, which it is without.
    pub(crate) root: Option<PathBuf>,
    /// Patterns of further files in it that may be imported as data.
    #[serde(default)]
    pub(crate) modules: Vec<String>,
    /// Plain values of its `env`.
    #[serde(default, deserialize_with = "data")]
    pub(crate) vars: Map<String, Value>,
    /// Names of its bindings that load workers, by `env.LOADER.load()` and `get()`.
    #[serde(default)]
    pub(crate) loaders: Vec<String>,
    /// Requests that it answers, by host, path or both: `scout.localhost`, `*.example.com`, `/agents/scout/*`,
    /// `example.com/scout/*`. The most specific pattern of all agents decides.
    #[serde(default, rename = "match", deserialize_with = "limiting_parsed")]
    #[schemars(with = "Vec<String>")]
    pub(crate) matches: Vec<RoutePattern>,
    /// How the policy sees it.
    #[serde(default)]
    pub(crate) outbound: AgentOutbound,
    /// What it may use, over what `[limits]` says.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// Whether it may run code from strings, by `eval()` and `new Function()`, and WebAssembly from bytes.
    #[serde(default)]
    pub(crate) unsafe_eval: bool,
    /// Whether it may compile WebAssembly from bytes.
    #[serde(default)]
    pub(crate) wasm_unsafe_eval: bool,
    /// Where it runs, over what `[isolation]` says: `isolate` or `process`.
    pub(crate) isolation: Option<Isolation>,
    /// What it may ask for, judged before the policy.
    pub(crate) egress: Option<Vec<Rule>>,
    /// Services that it may call by RPC.
    #[serde(default)]
    pub(crate) services: Vec<Service>,
    /// Who is told of its events.
    #[serde(default)]
    pub(crate) tails: Vec<TailConsumer>,
    /// Agents of `agents_dir`, of its tenant, that may name it in their `tail_consumers`: names, with `*` for any letters; none without it.
    #[serde(default)]
    pub(crate) tailed_by: Vec<String>,
}

/// `[[agents.tails]]`, and `tail_consumers` of a wrangler file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TailConsumer {
    /// Whose `tail()` handler is called: `outbound`, the policy, or another agent of the same tenant.
    pub(crate) service: String,
    /// The export that has the handler; `default` without it.
    pub(crate) entrypoint: Option<String>,
}

/// `[[agents.services]]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "wrangler's file calls it so")]
pub(crate) struct Service {
    /// Its name in the agent's `env`.
    pub(crate) binding: String,
    /// Who offers it: `outbound`, the policy, or an agent of this file, by its name or as `tenant/name`.
    pub(crate) service: String,
    /// The export that is called, a class that extends `WorkerEntrypoint`; `default` without it.
    pub(crate) entrypoint: Option<String>,
    /// What that reads as `ctx.props`.
    #[serde(default, deserialize_with = "data_or_json")]
    pub(crate) props: Map<String, Value>,
    /// The methods that may be called, with `*` for any letters; all without it.
    pub(crate) methods: Option<Vec<String>>,
    /// Whether it may be called where it is an agent of another tenant.
    #[serde(default)]
    pub(crate) cross_tenant: bool,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentOutbound {
    /// The policy's export that judges it.
    pub(crate) entrypoint: Option<String>,
    /// What the policy reads as `ctx.props`.
    #[serde(default, deserialize_with = "data")]
    pub(crate) props: Map<String, Value>,
    /// What joins the policy's `env` for it.
    #[serde(default, deserialize_with = "data")]
    pub(crate) parameters: Map<String, Value>,
}
