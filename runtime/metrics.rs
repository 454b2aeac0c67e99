//! What is counted, for the owner's listener: `/metrics` in the format of OpenMetrics
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>). Each metric is told of in docs/operations.md.

mod agents;
mod certificates;
mod process;
mod row;
mod samples;
mod server;

use std::sync::LazyLock;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;

pub(crate) use agents::{AGENTS, ended, nobody, replaced, shows, under_way};
pub(crate) use certificates::{CertificateEnds, certificates};
pub(crate) use server::{
    Connection, POLICY, Stream, built_of, connections, cuts, drains, handshake, is_cutting, lost, reloaded, shed,
};

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::with_prefix("workerd_lite");
    registry.register_collector(Box::new(server::Server));
    registry.register_collector(Box::new(certificates::Certificates));
    registry.register_collector(Box::new(samples::Agents));
    registry
});

/// What every process is asked for, by the names that all have for it.
static PROCESS: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(process::Process));
    registry
});

/// All of it as text.
pub(crate) fn text() -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = encode_registry(&mut text, &REGISTRY);
    let _ = encode_registry(&mut text, &PROCESS);
    let _ = encode_eof(&mut text);
    text
}
