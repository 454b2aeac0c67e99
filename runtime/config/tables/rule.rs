//! `[[outbound.egress]]` and `[[agents.egress]]`.

use std::num::NonZeroU16;

use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::{hosts, limiting, limiting_parsed, methods};
use crate::rules::{HostPattern, PathPattern, Protocol};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Its name in records; its place without it.
    pub(crate) name: Option<String>,
    /// Hosts, such as `api.example.com`, `*.example.com` or `https://api.example.com:8443`.
    #[serde(deserialize_with = "hosts")]
    #[schemars(with = "Vec<String>")]
    pub(crate) hosts: Vec<HostPattern>,
    /// Methods; without any, every one.
    #[serde(default, deserialize_with = "methods")]
    #[schemars(with = "Vec<String>")]
    pub(crate) methods: Vec<Method>,
    /// Paths, such as `/v1/*`; without any, every one.
    #[serde(default, deserialize_with = "limiting_parsed")]
    #[schemars(with = "Vec<String>")]
    pub(crate) paths: Vec<PathPattern>,
    /// Whether WebSockets too; without a word they are where it names no methods.
    pub(crate) websocket: Option<bool>,
    /// Protocols: `https`, `http` and `tcp`; without any, the two of HTTP. A rule with `tcp` wants ports.
    #[serde(default, deserialize_with = "limiting")]
    pub(crate) protocols: Vec<Protocol>,
    /// Ports; without any, every one.
    #[serde(default, deserialize_with = "limiting")]
    pub(crate) ports: Vec<NonZeroU16>,
    /// Whether `http:` URLs that it allows are asked by HTTP/2 with prior knowledge (h2c), as gRPC without TLS is. For the policy's
    /// rules only.
    #[serde(default)]
    pub(crate) h2c: bool,
    /// Whether it denies or only records.
    #[serde(default)]
    pub(crate) mode: Mode,
}

impl Rule {
    /// Whether it says nothing of what may be asked of its hosts.
    pub(crate) fn is_of_hosts_alone(&self) -> bool {
        self.methods.is_empty()
            && self.paths.is_empty()
            && self.protocols.is_empty()
            && self.ports.is_empty()
            && self.websocket.is_none()
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    #[default]
    Enforce,
    Audit,
}
