//! What a record says.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::clock;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::verdict::{By, Verdict};

use super::cut::Cuts;
use crate::identity::Attested;

/// One egress.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    pub(super) time: String,
    pub(super) request_id: String,
    /// The address of the client that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<std::net::IpAddr>,
    pub(super) agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<String>,
    pub(super) instance: String,
    pub(super) code_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy_sha256: Option<String>,
    /// `rpc`, `websocket`, `tcp`, or nothing for a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entrypoint: Option<String>,
    pub(super) method: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) url: String,
    /// What an agent wrote too long.
    #[serde(skip_serializing_if = "Cuts::is_empty")]
    pub(super) cut: Cuts,
    pub(super) verdict: Verdict,
    pub(super) by: By,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) binding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    /// What passed over the WebSocket that it opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) websocket: Option<Messages>,
    /// Who ended the connection that it opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) closed: Option<Closed>,
    /// Milliseconds.
    pub(super) ms: Times,
}

impl Record {
    /// What is known of an agent's egress before anybody has judged it.
    pub(super) fn begin(agent: &Attested, policy_sha256: Option<&str>, trace: &Trace) -> Self {
        Self {
            time: humantime::format_rfc3339_micros(clock::wall()).to_string(),
            request_id: trace.request_id().to_string(),
            client: trace.client(),
            agent: agent.name.clone(),
            tenant: agent.tenant.clone(),
            instance: agent.instance.clone(),
            code_sha256: agent.code_sha256.clone(),
            policy_sha256: policy_sha256.map(ToOwned::to_owned),
            kind: None,
            service: None,
            entrypoint: None,
            method: String::new(),
            url: String::new(),
            cut: Cuts::default(),
            verdict: Verdict::Deny,
            by: By::Policy,
            rule: None,
            binding: None,
            status: None,
            error: None,
            bytes_sent: 0,
            bytes_received: 0,
            websocket: None,
            closed: None,
            ms: Times::default(),
        }
    }

    /// Whose it is.
    pub(super) fn whose(&self) -> AgentId {
        AgentId::new(self.tenant.as_deref(), &self.agent)
    }

    /// Whether something went out, or tried to.
    pub(super) fn has_left(&self) -> bool {
        matches!(self.verdict, Verdict::Allow | Verdict::Audit)
    }

    /// Cuts what an agent wrote.
    pub(super) fn cut(&mut self) {
        self.cut.url(&mut self.url);
        self.cut.method(&mut self.method);
        if let Some(error) = &mut self.error {
            self.cut.error(error);
        }
    }

    /// What is written before it leaves.
    pub(super) fn opening(&self) -> serde_json::Value {
        let mut opening = json!({ "event": "leaves" });
        let all = serde_json::to_value(self).unwrap_or_default();
        if let (Some(opening), serde_json::Value::Object(all)) = (opening.as_object_mut(), all) {
            let of_its_end = ["ms", "bytes_sent", "bytes_received", "websocket", "closed"];
            opening.extend(all.into_iter().filter(|(name, _)| !of_its_end.contains(&&**name)));
        }
        opening
    }
}

/// The messages of a WebSocket, and the code by which it was closed: 1006 where nobody closed it.
#[derive(Debug, Serialize)]
pub(super) struct Messages {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) code: u16,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Closed {
    /// The upstream said its last, and nobody here did.
    Upstream,
    /// The other way round.
    Worker,
    /// Both did.
    Both,
    /// It broke, or a limit ended it.
    Failed,
    /// Who had it here was gone.
    Cut,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Times {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waiting: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<f64>,
    /// Zero where a connection was there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_byte: Option<f64>,
    pub(super) total: f64,
}

/// Milliseconds, to the microsecond.
pub(super) fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
