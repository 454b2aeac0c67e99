//! Logs go to standard error, readable or as JSON.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{FmtSpan, debug_fn};

use super::args::LogFormat;
use super::log_text;
use crate::output::Log;

static JSON: AtomicBool = AtomicBool::new(false);

/// Whether machines read the log.
pub(super) fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Starts logging. `RUST_LOG` filters, by default at `info`.
pub(super) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Spans are shown when they end: RUST_LOG=info,egress=debug,policy=debug.
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(|| Log)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Pretty => builder
            .with_target(false)
            .map_event_format(log_text::Readable)
            .map_fmt_fields(|_| debug_fn(log_text::field).delimited(" "))
            .init(),
        LogFormat::Json => {
            JSON.store(true, Ordering::Relaxed);
            builder.json().flatten_event(true).init();
        }
    }
}
