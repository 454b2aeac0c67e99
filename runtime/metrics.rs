//! What is counted, for the owner's listener: `/metrics` in the format of OpenMetrics
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use workerd_lite_ops::Termination;
use workerd_lite_ops::account::{Account, AgentId, Kind};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    agent: String,
    tenant: String,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Replaced {
    worker: String,
    /// The agent, and for whom it works; where the policy was stopped, the one that it was stopped for.
    agent: String,
    tenant: String,
    reason: &'static str,
}

struct Metrics {
    registry: Registry,
    ended: Family<Ended, Counter>,
    replaced: Family<Replaced, Counter>,
    shed: Counter,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let mut registry = Registry::with_prefix("workerd_lite");
    let (ended, replaced, shed) = (Family::default(), Family::default(), Counter::default());
    registry.register(
        "events_terminated",
        "Events of agents that were ended for what they used",
        ended.clone(),
    );
    registry.register(
        "isolates_replaced",
        "Isolates that were stopped and replaced",
        replaced.clone(),
    );
    registry.register(
        "connections_shed",
        "Connections that were answered 503 for want of file descriptors",
        shed.clone(),
    );
    registry.register_collector(Box::new(Accounts));
    Metrics {
        registry,
        ended,
        replaced,
        shed,
    }
});

/// The accounts of agents that work. Several are one agent's while it is loaded anew.
static ACCOUNTS: Mutex<Vec<Weak<Account>>> = Mutex::new(Vec::new());

/// An account is shown for as long as its agent works.
pub(crate) fn shows(account: &Arc<Account>) {
    let mut accounts = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    accounts.retain(|account| account.strong_count() > 0);
    accounts.push(Arc::downgrade(account));
}

/// What an agent uses, by its accounts.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    script: f64,
    host: f64,
    held: usize,
    in_use: [usize; KINDS.len()],
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Client, "client"),
    (Kind::Upstream, "upstream"),
    (Kind::Lookup, "lookup"),
    (Kind::Job, "job"),
];

fn used() -> BTreeMap<AgentId, Used> {
    let mut all: BTreeMap<AgentId, Used> = BTreeMap::new();
    let accounts = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    for account in accounts.iter().filter_map(Weak::upgrade) {
        let used = all.entry(account.id().clone()).or_default();
        used.script += account.script_cpu().as_secs_f64();
        used.host += account.host_cpu().as_secs_f64();
        used.held += account.memory().used();
        for (sum, (kind, _)) in used.in_use.iter_mut().zip(KINDS) {
            *sum += account.in_use(kind);
        }
    }
    all
}

#[derive(Debug)]
struct Accounts;

impl Collector for Accounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let all = used();
        let labels = |id: &AgentId, more: Option<(&'static str, &'static str)>| {
            let mut labels = vec![
                ("agent", id.name.to_string()),
                ("tenant", id.tenant.as_deref().unwrap_or_default().to_owned()),
            ];
            labels.extend(more.map(|(name, value)| (name, value.to_owned())));
            labels
        };
        let mut family = encoder.encode_descriptor(
            "agent_cpu_seconds",
            "CPU time that was put down to an agent, in its isolates and the policy's (script) and outside of them (host)",
            None,
            MetricType::Counter,
        )?;
        for (id, used) in &all {
            for (place, seconds) in [("script", used.script), ("host", used.host)] {
                let labels = labels(id, Some(("place", place)));
                ConstCounter::new(seconds).encode(family.encode_family(&labels)?)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "agent_held_bytes",
            "Bytes that the host holds for an agent, apart from its isolates",
            None,
            MetricType::Gauge,
        )?;
        for (id, used) in &all {
            let held = i64::try_from(used.held).unwrap_or(i64::MAX);
            ConstGauge::new(held).encode(family.encode_family(&labels(id, None))?)?;
        }
        let mut family = encoder.encode_descriptor(
            "agent_in_use",
            "Connections, look-ups and jobs of an agent",
            None,
            MetricType::Gauge,
        )?;
        for (id, used) in &all {
            for (count, (_, kind)) in used.in_use.iter().zip(KINDS) {
                let count = i64::try_from(*count).unwrap_or(i64::MAX);
                let labels = labels(id, Some(("kind", kind)));
                ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// An agent's event was ended.
pub(crate) fn ended(agent: &AgentId, why: Termination) {
    let labels = Ended {
        agent: (*agent.name).to_owned(),
        tenant: agent.tenant.as_deref().unwrap_or_default().to_owned(),
        reason: why.word(),
    };
    METRICS.ended.get_or_create(&labels).inc();
}

/// A worker's isolate was stopped for an agent, and replaced.
pub(crate) fn replaced(worker: &str, agent: Option<&AgentId>, why: Termination) {
    let tenant = agent.and_then(|agent| agent.tenant.as_deref());
    let labels = Replaced {
        worker: worker.to_owned(),
        agent: agent.map_or("", |agent| &*agent.name).to_owned(),
        tenant: tenant.unwrap_or_default().to_owned(),
        reason: why.word(),
    };
    METRICS.replaced.get_or_create(&labels).inc();
}

/// A connection was turned away.
pub(crate) fn shed() {
    METRICS.shed.inc();
}

/// All of it as text.
pub(crate) fn text() -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = encode(&mut text, &METRICS.registry);
    text
}
