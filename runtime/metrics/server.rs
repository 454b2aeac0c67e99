//! Numbers of the whole server.

use std::fmt::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use workerd_lite_ops::statistics::{Counters, Statistics};

use super::row::{Sample, family};

/// The isolates of the policy, which work for every agent.
pub(crate) static POLICY: LazyLock<Statistics> = LazyLock::new(Statistics::default);

static SHED: AtomicU64 = AtomicU64::new(0);
static ACCEPTED: AtomicU64 = AtomicU64::new(0);
static OPEN: AtomicUsize = AtomicUsize::new(0);
/// TLS handshakes that were performed, and that failed.
static HANDSHAKES: LazyLock<Counters<2>> = LazyLock::new(Counters::default);
static DRAINS: AtomicBool = AtomicBool::new(false);
static CUTS: AtomicBool = AtomicBool::new(false);
static LOST: LazyLock<Counters<3>> = LazyLock::new(Counters::default);
/// How often the project was loaded anew, and was not for an error in it.
static RELOADS: LazyLock<Counters<2>> = LazyLock::new(Counters::default);
static FAILED: AtomicBool = AtomicBool::new(false);
/// Seconds since 1970.
static LOADED: AtomicU64 = AtomicU64::new(0);

/// Lines that somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Audit,
    Access,
    Log,
}

impl Stream {
    /// One word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Access => "access",
            Self::Log => "log",
        }
    }
}

/// A line was not written, for want of a reader or by an error.
pub(crate) fn lost(stream: Stream) {
    LOST.count(stream as usize);
}

/// A connection was turned away.
pub(crate) fn shed() {
    SHED.fetch_add(1, Ordering::Relaxed);
}

/// A client's TLS handshake was performed, or failed.
pub(crate) fn handshake(well: bool) {
    HANDSHAKES.count(usize::from(!well));
}

/// The server stops: it is not ready for more.
pub(crate) fn drains() {
    DRAINS.store(true, Ordering::Relaxed);
}

/// It gives up what is under way.
pub(crate) fn cuts() {
    CUTS.store(true, Ordering::Relaxed);
}

/// Whether it does.
pub(crate) fn is_cutting() -> bool {
    CUTS.load(Ordering::Relaxed)
}

/// Whether it stops.
fn is_draining() -> bool {
    DRAINS.load(Ordering::Relaxed)
}

/// The project was loaded anew, or could not be.
pub(crate) fn reloaded(well: bool) {
    RELOADS.count(usize::from(!well));
    FAILED.store(!well, Ordering::Relaxed);
    if well {
        loaded();
    }
}

fn loaded() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    LOADED.store(now.as_secs(), Ordering::Relaxed);
}

/// A client's connection, which is open until this is dropped.
#[derive(Debug)]
pub(crate) struct Connection(());

impl Connection {
    pub(crate) fn open() -> Self {
        ACCEPTED.fetch_add(1, Ordering::Relaxed);
        OPEN.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many are open.
pub(crate) fn connections() -> usize {
    OPEN.load(Ordering::Relaxed)
}

static COMMIT: OnceLock<String> = OnceLock::new();

/// The program is of this commit.
pub(crate) fn built_of(commit: String) {
    // The first stays.
    let _ = COMMIT.set(commit);
}

#[derive(Debug)]
pub(super) struct Server;

impl Collector for Server {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let encoder = &mut encoder;
        let build = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("v8", deno_core::v8::VERSION_STRING),
            ("commit", COMMIT.get().map_or("unknown", String::as_str)),
        ];
        let build = build.map(|(name, value)| (name, value.to_owned())).to_vec();
        family(encoder, ("build_info", "What runs: 1"), [(build, Sample::Gauge(1))])?;
        let mut one = |name, help, sample| family(encoder, (name, help), [(Vec::new(), sample)]);
        one(
            "connections_accepted",
            "Clients' connections",
            Sample::Counter(ACCEPTED.load(Ordering::Relaxed)),
        )?;
        one(
            "connections_open",
            "Clients' connections that are open",
            Sample::Gauge(OPEN.load(Ordering::Relaxed)),
        )?;
        one(
            "connections_shed",
            "Connections and requests that were answered 503 for want of file descriptors or of room for their agent's clients",
            Sample::Counter(SHED.load(Ordering::Relaxed)),
        )?;
        one(
            "draining",
            "Whether the server stops: 1 from the first signal on",
            Sample::Gauge(is_draining().into()),
        )?;
        one(
            "config_last_reload_successful",
            "Whether the configuration was taken over when it was read last",
            Sample::Gauge((!FAILED.load(Ordering::Relaxed)).into()),
        )?;
        let reloads = ["success", "failure"].into_iter().zip(RELOADS.get());
        family(
            encoder,
            (
                "config_reloads",
                "How often the configuration was loaded anew, and how that went",
            ),
            reloads.map(|(result, count)| (vec![("result", result.to_owned())], Sample::Counter(count))),
        )?;
        let handshakes = ["success", "failure"].into_iter().zip(HANDSHAKES.get());
        family(
            encoder,
            ("tls_handshakes", "TLS handshakes of clients, and how they went"),
            handshakes.map(|(result, count)| (vec![("result", result.to_owned())], Sample::Counter(count))),
        )?;
        let streams = [Stream::Audit, Stream::Access, Stream::Log].into_iter().zip(LOST.get());
        family(
            encoder,
            (
                "lines_lost",
                "Audit records, lines of the access log and of the log that were not written: whoever reads them stood still, or writing failed",
            ),
            streams.map(|(stream, count)| (vec![("stream", stream.word().to_owned())], Sample::Counter(count))),
        )?;
        if LOADED.load(Ordering::Relaxed) == 0 {
            loaded();
        }
        let loaded = i64::try_from(LOADED.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        let time = encoder.encode_descriptor(
            "config_last_reload_success_timestamp_seconds",
            "When the configuration was taken over last, in seconds since 1970",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(loaded).encode(time)
    }
}
