//! What is counted, for the owner's listener: `/metrics` in the format of OpenMetrics
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use std::sync::LazyLock;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use workerd_lite_ops::Termination;
use workerd_lite_ops::account::AgentId;

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
    Metrics {
        registry,
        ended,
        replaced,
        shed,
    }
});

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
