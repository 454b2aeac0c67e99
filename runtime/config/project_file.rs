//! `workerd-lite.toml`: what wrangler has no word for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::credential_file::Credential;
use super::files::Files;
use super::limits::Limits;
use super::wrangler::MtlsCertificate;
use crate::egress::address::Peer;
use crate::rules::{HostPattern, PathPattern};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectFile {
    /// The script, where there is no wrangler file beside this one.
    pub(super) main: Option<PathBuf>,
    /// Where requests are taken: an address with a port.
    #[schemars(with = "Option<String>")]
    pub(super) listen: Option<SocketAddr>,
    /// Threads that run scripts; one per core without it.
    pub(super) threads: Option<usize>,
    /// The policy that each request of an agent passes.
    pub(super) outbound: Option<Outbound>,
    /// The agents, where there is more than one.
    pub(super) agents: Option<Vec<Agent>>,
    /// What is attached after the policy, by name.
    #[serde(default)]
    pub(super) credentials: BTreeMap<String, Credential>,
    /// The authority that says who an agent is.
    pub(super) identity: Option<Identity>,
    /// A second listener, for the owner.
    pub(super) admin: Option<Admin>,
    /// Where each egress is recorded.
    pub(super) audit: Option<Audit>,
    /// What each agent may use.
    #[serde(default)]
    pub(super) limits: Limits,
    /// Whether the only agent may run code from strings, by `eval()` and `new Function()`, and WebAssembly from bytes.
    #[serde(default)]
    pub(super) unsafe_eval: bool,
    /// Whether the only agent may compile WebAssembly from bytes.
    #[serde(default)]
    pub(super) wasm_unsafe_eval: bool,
    /// Where what must survive a restart is kept.
    pub(super) state: Option<PathBuf>,
    /// Client certificates, by name.
    #[serde(default)]
    pub(super) certificates: BTreeMap<String, Certificate>,
    /// Which addresses may be dialled.
    #[serde(default)]
    pub(super) network: Network,
    /// How long each step may take.
    #[serde(default)]
    pub(super) timeouts: Timeouts,
}

impl ProjectFile {
    /// Files that are the owner's alone: this one, keys, certificates, secrets and records.
    pub(super) fn private_files(&self, files: &Files) -> Vec<PathBuf> {
        let certificates = self.certificates.values();
        let certificates = certificates.flat_map(|section| section.cert.iter().chain(&section.key).chain(&section.ca));
        let credentials = self.credentials.values().filter_map(|section| section.file.as_ref());
        let identity = self.identity.iter().flat_map(|section| {
            let files = [&section.key, &section.issuing_certificate, &section.issuing_key];
            files.into_iter().flatten()
        });
        let audit = self.audit.iter().filter_map(|section| section.file.as_ref());
        let policy = self.outbound.iter().filter_map(|section| section.config.as_ref());
        let named = certificates
            .chain(credentials)
            .chain(identity)
            .chain(audit)
            .chain(policy)
            .chain(&self.state);
        let named = named.map(|path| files.folder.join(path));
        let own = files.project.iter().map(|document| document.path.clone());
        named.chain(own).filter_map(|path| path.canonicalize().ok()).collect()
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Outbound {
    /// The policy's script.
    pub(super) main: Option<PathBuf>,
    /// A wrangler file of the policy's own, instead of `main`.
    pub(super) config: Option<PathBuf>,
    /// Plain values of its `env`.
    #[serde(default)]
    pub(super) vars: Map<String, Value>,
    /// Names of secrets that its `env` holds as text: JavaScript can read them.
    #[serde(default)]
    pub(super) secrets: Vec<String>,
    /// Bindings of client certificates.
    #[serde(default)]
    pub(super) mtls_certificates: Vec<MtlsCertificate>,
    /// Bindings of credentials.
    #[serde(default)]
    pub(super) credentials: Vec<CredentialBinding>,
    /// The export that judges; `default` without it.
    pub(super) entrypoint: Option<String>,
    /// What it reads as `ctx.props`.
    #[serde(default)]
    pub(super) props: Map<String, Value>,
    /// What joins its `env`.
    #[serde(default)]
    pub(super) parameters: Map<String, Value>,
    /// What it may use.
    #[serde(default)]
    pub(super) limits: Limits,
    /// What the policy itself may reach, judged after it. Without rules: all that the address rules allow.
    pub(super) egress: Option<Vec<Rule>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialBinding {
    /// Its name in `env`.
    pub(super) binding: String,
    /// A name of `[credentials]`.
    pub(super) credential: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Agent {
    /// Its name; that of its wrangler file without it.
    pub(super) name: Option<String>,
    /// For whom it works.
    pub(super) tenant: Option<String>,
    /// Its script.
    pub(super) main: Option<PathBuf>,
    /// Its wrangler file, instead of `main`.
    pub(super) config: Option<PathBuf>,
    /// Plain values of its `env`.
    #[serde(default)]
    pub(super) vars: Map<String, Value>,
    /// Hosts whose requests it answers, such as `scout.localhost` or `*.example.com`.
    #[serde(default, rename = "match", deserialize_with = "parsed")]
    #[schemars(with = "Vec<String>")]
    pub(super) hosts: Vec<HostPattern>,
    /// How the policy sees it.
    #[serde(default)]
    pub(super) outbound: AgentOutbound,
    /// What it may use, over what `[limits]` says.
    #[serde(default)]
    pub(super) limits: Limits,
    /// Whether it may run code from strings, by `eval()` and `new Function()`, and WebAssembly from bytes.
    #[serde(default)]
    pub(super) unsafe_eval: bool,
    /// Whether it may compile WebAssembly from bytes.
    #[serde(default)]
    pub(super) wasm_unsafe_eval: bool,
    /// What it may ask for, judged before the policy.
    pub(super) egress: Option<Vec<Rule>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentOutbound {
    /// The policy's export that judges it.
    pub(super) entrypoint: Option<String>,
    /// What the policy reads as `ctx.props`.
    #[serde(default)]
    pub(super) props: Map<String, Value>,
    /// What joins the policy's `env` for it.
    #[serde(default)]
    pub(super) parameters: Map<String, Value>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// Its name in records; its place without it.
    pub(super) name: Option<String>,
    /// Hosts, such as `api.example.com`, `*.example.com` or `https://api.example.com:8443`.
    #[serde(deserialize_with = "parsed")]
    #[schemars(with = "Vec<String>")]
    pub(super) hosts: Vec<HostPattern>,
    /// Methods; without any, every one.
    #[serde(default, deserialize_with = "methods")]
    #[schemars(with = "Vec<String>")]
    pub(super) methods: Vec<Method>,
    /// Paths, such as `/v1/*`; without any, every one.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Vec<String>")]
    pub(super) paths: Vec<PathPattern>,
    /// Whether it denies or only records.
    #[serde(default)]
    pub(super) mode: Mode,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    #[default]
    Enforce,
    Audit,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    /// An address with a port. Bind it to loopback.
    #[schemars(with = "String")]
    pub(super) listen: SocketAddr,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Audit {
    /// Where records go, one JSON object a line.
    pub(super) file: Option<PathBuf>,
    /// What happens where a record can not be written.
    pub(super) on_failure: OnFailure,
    /// Names of query parameters whose values are recorded.
    pub(super) query: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnFailure {
    #[default]
    Warn,
    Deny,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    /// The URL that `iss` names.
    pub(super) issuer: String,
    /// The SPIFFE trust domain.
    pub(super) trust_domain: String,
    /// How long a token lives.
    #[serde(default = "minute", deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(super) ttl: Duration,
    /// A P-256 key that the owner looks after, instead of those in the state folder.
    pub(super) key: Option<PathBuf>,
    /// How long a signing key is used.
    #[serde(default = "month", deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(super) rotate: Duration,
    /// The CA that issues client certificates (PEM).
    pub(super) issuing_certificate: Option<PathBuf>,
    /// Its key (PEM).
    pub(super) issuing_key: Option<PathBuf>,
    /// How long an issued certificate lives.
    #[serde(default = "hour", deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(super) certificate_ttl: Duration,
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

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    /// The chain (PEM).
    pub(super) cert: Option<PathBuf>,
    /// The key (PEM).
    pub(super) key: Option<PathBuf>,
    /// Roots that the upstream must have, instead of the usual ones (PEM).
    #[serde(default)]
    pub(super) ca: Vec<PathBuf>,
    /// Issued to each agent, instead of files.
    pub(super) issue: Option<Issue>,
}

/// For whom certificates are issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Issue {
    Agent,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Network {
    /// `public`, `private`, `local` or blocks such as `10.0.0.0/8`.
    #[serde(deserialize_with = "parsed")]
    #[schemars(with = "Vec<String>")]
    pub(super) allow: Vec<Peer>,
    /// The same; the most specific rule decides.
    #[serde(deserialize_with = "parsed")]
    #[schemars(with = "Vec<String>")]
    pub(super) deny: Vec<Peer>,
    /// Further roots (PEM).
    pub(super) ca: Vec<PathBuf>,
    /// DNS servers to ask instead of the system, such as `10.0.0.2:53`.
    #[schemars(with = "Vec<String>")]
    pub(super) nameservers: Vec<SocketAddr>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            allow: vec![Peer::Public],
            deny: Vec::new(),
            ca: Vec::new(),
            nameservers: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Timeouts {
    /// Until a connection stands, TLS included.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(super) connect: Duration,
    /// Until the response's head.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(super) first_byte: Duration,
    /// Between two pieces of a response's body.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(super) idle: Duration,
    /// Until the policy responds.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(super) policy: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            policy: Duration::from_secs(30),
        }
    }
}

pub(super) fn parsed<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr<Err: std::fmt::Display>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| text.parse().map_err(serde::de::Error::custom))
        .collect()
}

pub(super) fn methods<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Method>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| {
            // Methods are case-sensitive; "get" would be one that nobody sends.
            let known = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
            Method::from_bytes(text.as_bytes())
                .ok()
                .filter(|_| known && !text.is_empty())
                .ok_or_else(|| serde::de::Error::custom(format!("expected a method like \"GET\", found {text:?}")))
        })
        .collect()
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let duration = humantime::parse_duration(&text).map_err(|error| {
        serde::de::Error::custom(format!(
            "expected a duration like \"5s\" or \"500ms\", found {text:?}: {error}"
        ))
    })?;
    if duration.is_zero() {
        return Err(serde::de::Error::custom("expected a duration above zero"));
    }
    Ok(duration)
}
