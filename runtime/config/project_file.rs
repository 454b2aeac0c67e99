//! `workerd-lite.toml`: what wrangler has no word for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::wrangler::MtlsCertificate;
use crate::egress::address::Peer;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectFile {
    pub(super) main: Option<PathBuf>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) threads: Option<usize>,
    pub(super) outbound: Option<Outbound>,
    #[serde(default)]
    pub(super) certificates: BTreeMap<String, Certificate>,
    #[serde(default)]
    pub(super) network: Network,
    #[serde(default)]
    pub(super) timeouts: Timeouts,
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
    pub(super) props: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
    #[serde(default)]
    pub(super) ca: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Network {
    #[serde(deserialize_with = "peers")]
    pub(super) allow: Vec<Peer>,
    #[serde(deserialize_with = "peers")]
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

fn peers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Peer>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| text.parse().map_err(serde::de::Error::custom))
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
