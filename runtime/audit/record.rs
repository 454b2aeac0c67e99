//! What a record says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::clock;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{Body, Request, Response};

use super::changes::Changes;
use super::cut::Cuts;
use super::masked_url::masked;
use super::{Auditor, Unrecorded};
use crate::identity::Attested;

/// What became of an egress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// It went out.
    Allow,
    /// It went out, but a rule that only audits would have denied it.
    Audit,
    /// It did not go out.
    Deny,
    /// The policy answered by itself.
    Answer,
}

/// Who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    Rule,
    Policy,
    Address,
    Credential,
    Certificate,
    Limit,
    Audit,
}

/// One egress.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    time: String,
    request_id: String,
    /// The address of the client that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<std::net::IpAddr>,
    agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    instance: String,
    code_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_sha256: Option<String>,
    method: String,
    url: String,
    /// What an agent wrote too long.
    #[serde(skip_serializing_if = "Cuts::is_empty")]
    cut: Cuts,
    verdict: Verdict,
    by: By,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    bytes_sent: u64,
    bytes_received: u64,
    /// Milliseconds.
    ms: Times,
    /// Shown to who looks on, and never written.
    #[serde(skip)]
    changes: Option<Changes>,
}

impl Record {
    /// The record for who looks on.
    pub(super) fn shown(&self) -> impl Serialize {
        json!({ "kind": "egress", "egress": self, "asked": self.changes })
    }
}

impl Record {
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
            let of_its_end = ["ms", "bytes_sent", "bytes_received"];
            opening.extend(all.into_iter().filter(|(name, _)| !of_its_end.contains(&&**name)));
        }
        opening
    }
}

#[derive(Debug, Default, Serialize)]
struct Times {
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<f64>,
    /// Zero where a connection was there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    connect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_byte: Option<f64>,
    total: f64,
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// A record that is not written yet. It is written when it is dropped: at the end of the response's body, of a failure,
/// or of an egress that was cancelled.
#[derive(Debug)]
pub(crate) struct Open {
    auditor: Arc<Auditor>,
    began: Instant,
    record: Record,
    sent: Option<std::rc::Rc<std::cell::Cell<u64>>>,
    /// The agent's rule that would have denied it, but only audits.
    audited: Option<std::rc::Rc<str>>,
    /// Whether there is a place for it.
    reserved: bool,
}

impl Open {
    /// Begins a record. A request's body is counted from here on.
    pub(crate) fn begin(
        auditor: &Arc<Auditor>,
        agent: &Attested,
        policy_sha256: Option<&str>,
        trace: &Trace,
        request: &mut Request,
    ) -> Self {
        let now = Instant::now();
        let times = Times {
            waiting: trace.started.get().map(|started| ms(started - trace.queued)),
            policy: trace.started.get().map(|started| ms(now - started)),
            ..Times::default()
        };
        let sent = std::rc::Rc::new(std::cell::Cell::new(0));
        let body = std::mem::take(&mut request.body);
        if let Body::Full(bytes) = &body {
            sent.set(bytes.len() as u64);
        }
        let counter = std::rc::Rc::clone(&sent);
        request.body = body.counted(move |bytes| counter.set(counter.get().saturating_add(bytes)));
        Self {
            record: Record {
                time: humantime::format_rfc3339_micros(clock::wall()).to_string(),
                request_id: trace.request_id().to_string(),
                client: trace.client(),
                agent: agent.name.clone(),
                tenant: agent.tenant.clone(),
                instance: agent.instance.clone(),
                code_sha256: agent.code_sha256.clone(),
                policy_sha256: policy_sha256.map(ToOwned::to_owned),
                method: request.method.to_string(),
                cut: Cuts::default(),
                url: if auditor.is_memory() {
                    request.url.to_string()
                } else {
                    masked(&request.url, &auditor.shown)
                },
                verdict: Verdict::Deny,
                by: By::Policy,
                rule: None,
                binding: None,
                status: None,
                error: None,
                bytes_sent: 0,
                bytes_received: 0,
                ms: times,
                changes: auditor
                    .is_shown()
                    .then(|| Some(Changes::between(trace.asked.get()?, request, &auditor.shown)))
                    .flatten(),
            },
            auditor: Arc::clone(auditor),
            began: now,
            sent: Some(sent),
            audited: trace.audited.get().cloned(),
            reserved: false,
        }
    }

    /// What it is about is going to leave, and must not where this fails.
    pub(crate) fn leaves(&mut self) -> Result<(), Unrecorded> {
        if !self.reserved {
            self.reserved = self.auditor.admits(&mut self.record)?;
        }
        Ok(())
    }

    pub(crate) fn verdict(&mut self, verdict: Verdict, by: By) {
        self.record.verdict = verdict;
        self.record.by = by;
    }

    pub(crate) fn rule(&mut self, rule: &str) {
        self.record.rule = Some(rule.to_owned());
    }

    pub(crate) fn binding(&mut self, name: &str) {
        self.record.binding = Some(name.to_owned());
    }

    /// How long it took until its connection stood, TLS included.
    pub(crate) fn connected(&mut self, after: Duration) {
        self.record.ms.connect = Some(ms(after));
    }

    pub(crate) fn error(&mut self, why: &str) {
        self.record.error = Some(why.to_owned());
    }

    fn received(&mut self, bytes: u64) {
        self.record.bytes_received = self.record.bytes_received.saturating_add(bytes);
    }

    /// The response's head is there; the record goes on with its body, and ends with that.
    pub(crate) fn response(mut self, mut response: Response) -> Response {
        self.record.status = Some(response.status.as_u16());
        self.record.ms.first_byte = Some(ms(self.began.elapsed()));
        if self.auditor.is_memory() {
            return response;
        }
        match &response.body {
            Body::Empty => {}
            Body::Full(bytes) => self.record.bytes_received = bytes.len() as u64,
            Body::Stream(_) => {
                let mut open = self;
                response.body = response.body.counted(move |bytes| open.received(bytes));
            }
        }
        response
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let (Some(rule), Verdict::Allow | Verdict::Answer) = (&self.audited, self.record.verdict) {
            self.record.rule = Some(rule.to_string());
            self.verdict(Verdict::Audit, By::Rule);
        }
        self.record.bytes_sent = self.sent.take().map_or(0, |sent| sent.get());
        self.record.ms.total = ms(self.began.elapsed());
        self.auditor.write(&mut self.record, self.reserved);
    }
}
