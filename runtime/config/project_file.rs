//! `workerd-lite.toml`: what wrangler has no word for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::credential_file::Credential;
use super::files::Files;
use super::wrangler::MtlsCertificate;
use crate::egress::address::Peer;
use crate::rules::{HostPattern, PathPattern};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectFile {
    pub(super) main: Option<PathBuf>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) threads: Option<usize>,
    pub(super) outbound: Option<Outbound>,
    pub(super) agents: Option<Vec<Agent>>,
    #[serde(default)]
    pub(super) credentials: BTreeMap<String, Credential>,
    pub(super) identity: Option<Identity>,
    pub(super) admin: Option<Admin>,
    pub(super) audit: Option<Audit>,
    /// Where what must survive a restart is kept.
    pub(super) state: Option<PathBuf>,
    #[serde(default)]
    pub(super) certificates: BTreeMap<String, Certificate>,
    #[serde(default)]
    pub(super) network: Network,
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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outbound {
    pub(super) main: Option<PathBuf>,
    pub(super) config: Option<PathBuf>,
    #[serde(default)]
    pub(super) vars: Map<String, Value>,
    #[serde(default)]
    pub(super) secrets: Vec<String>,
    #[serde(default)]
    pub(super) mtls_certificates: Vec<MtlsCertificate>,
    #[serde(default)]
    pub(super) credentials: Vec<CredentialBinding>,
    pub(super) entrypoint: Option<String>,
    #[serde(default)]
    pub(super) props: Map<String, Value>,
    #[serde(default)]
    pub(super) parameters: Map<String, Value>,
    pub(super) egress: Option<Vec<Rule>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialBinding {
    pub(super) binding: String,
    pub(super) credential: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agent {
    pub(super) name: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) main: Option<PathBuf>,
    pub(super) config: Option<PathBuf>,
    #[serde(default)]
    pub(super) vars: Map<String, Value>,
    #[serde(default, rename = "match", deserialize_with = "parsed")]
    pub(super) hosts: Vec<HostPattern>,
    #[serde(default)]
    pub(super) outbound: AgentOutbound,
    pub(super) egress: Option<Vec<Rule>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentOutbound {
    pub(super) entrypoint: Option<String>,
    #[serde(default)]
    pub(super) props: Map<String, Value>,
    #[serde(default)]
    pub(super) parameters: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "parsed")]
    pub(super) hosts: Vec<HostPattern>,
    #[serde(default, deserialize_with = "methods")]
    pub(super) methods: Vec<Method>,
    #[serde(default, deserialize_with = "parsed")]
    pub(super) paths: Vec<PathPattern>,
    #[serde(default)]
    pub(super) mode: Mode,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    #[default]
    Enforce,
    Audit,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub(super) listen: SocketAddr,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Audit {
    pub(super) file: Option<PathBuf>,
    pub(super) on_failure: OnFailure,
    /// Names of query parameters whose values are recorded.
    pub(super) query: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnFailure {
    #[default]
    Warn,
    Deny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub(super) issuer: String,
    pub(super) trust_domain: String,
    #[serde(default = "minute", deserialize_with = "duration")]
    pub(super) ttl: Duration,
    /// A P-256 key that the owner looks after, instead of those in the state folder.
    pub(super) key: Option<PathBuf>,
    #[serde(default = "month", deserialize_with = "duration")]
    pub(super) rotate: Duration,
    pub(super) issuing_certificate: Option<PathBuf>,
    pub(super) issuing_key: Option<PathBuf>,
    #[serde(default = "hour", deserialize_with = "duration")]
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    #[serde(default)]
    pub(super) ca: Vec<PathBuf>,
    pub(super) issue: Option<Issue>,
}

/// For whom certificates are issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Issue {
    Agent,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Network {
    #[serde(deserialize_with = "parsed")]
    pub(super) allow: Vec<Peer>,
    #[serde(deserialize_with = "parsed")]
    pub(super) deny: Vec<Peer>,
    pub(super) ca: Vec<PathBuf>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            allow: vec![Peer::Public],
            deny: Vec::new(),
            ca: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Timeouts {
    #[serde(deserialize_with = "duration")]
    pub(super) connect: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) first_byte: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) idle: Duration,
    #[serde(deserialize_with = "duration")]
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

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
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
