//! Fields of wrangler's file that are objects and lists of them, as what they mean here.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::tables::{MtlsCertificate, Service, TailConsumer};

/// `triggers`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Triggers {
    pub(super) crons: Option<Vec<String>>,
}

/// `version_metadata`: <https://developers.cloudflare.com/workers/runtime-apis/bindings/version-metadata/>.
#[derive(Debug, Deserialize)]
pub(super) struct VersionMetadata {
    pub(super) binding: String,
}

impl VersionMetadata {
    /// What is loaded now is a version of its own.
    pub(super) fn value() -> Value {
        serde_json::json!({
            "id": uuid::Uuid::new_v4().to_string(),
            "tag": "",
            "timestamp": humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        })
    }
}

pub(super) fn loaders<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Written {
        binding: String,
    }
    let list = Vec::<Written>::deserialize(deserializer)?;
    Ok(list.into_iter().map(|each| each.binding).collect())
}

pub(super) fn services<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Service>, D::Error> {
    #[derive(Deserialize)]
    struct Written {
        binding: String,
        service: String,
        entrypoint: Option<String>,
        #[serde(default)]
        props: Map<String, Value>,
        /// Which deployment, and whether `wrangler dev` uses that: there is one, which runs here.
        #[serde(default, rename = "environment")]
        _environment: Option<String>,
        #[serde(default, rename = "remote")]
        _remote: bool,
    }
    let list = Vec::<Written>::deserialize(deserializer)?;
    let list = list.into_iter().map(|each| Service {
        binding: each.binding,
        service: each.service,
        entrypoint: each.entrypoint,
        props: each.props,
        methods: None,
        cross_tenant: false,
    });
    Ok(list.collect())
}

pub(super) fn consumers<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<TailConsumer>, D::Error> {
    #[derive(Deserialize)]
    struct Written {
        service: String,
        /// An environment of that service's, of which there is one here.
        #[serde(default, rename = "environment")]
        _environment: Option<String>,
    }
    let list = Vec::<Written>::deserialize(deserializer)?;
    let list = list.into_iter().map(|each| TailConsumer {
        service: each.service,
        entrypoint: None,
    });
    Ok(list.collect())
}

pub(super) fn certificates<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<MtlsCertificate>, D::Error> {
    #[derive(Deserialize)]
    struct Written {
        binding: String,
        certificate_id: String,
        /// Whether `wrangler dev` uses the one that is deployed.
        #[serde(default, rename = "remote")]
        _remote: bool,
    }
    let list = Vec::<Written>::deserialize(deserializer)?;
    let list = list.into_iter().map(|each| MtlsCertificate {
        binding: each.binding,
        certificate_id: each.certificate_id,
        propagate_trace: None,
    });
    Ok(list.collect())
}
