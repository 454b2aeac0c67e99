//! Logs go to standard error, readable or as JSON.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{FmtSpan, debug_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::args::LogFormat;
use super::log_text;
use crate::output::Log;

static JSON: AtomicBool = AtomicBool::new(false);

/// Whether machines read the log.
pub(super) fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Warnings of the configuration, where somebody wants them.
static WARNINGS: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Keeps what is warned of from now on, and gives what was kept since.
pub(super) fn warnings() -> Vec<String> {
    let mut kept = WARNINGS.lock().unwrap_or_else(PoisonError::into_inner);
    kept.replace(Vec::new()).unwrap_or_default()
}

/// Keeps warnings beside the log.
struct Collecting;

impl<S: Subscriber> Layer<S> for Collecting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() > Level::WARN {
            return;
        }
        if let Some(kept) = WARNINGS.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let mut message = Message(String::new());
            event.record(&mut message);
            kept.push(message.0);
        }
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// What is logged by default, and where somebody develops: `console.debug()`, too.
const USUAL: &str = "info";
const DEVELOPING: &str = "info,console=debug";

/// Starts logging. `RUST_LOG` filters, by default at `info`. Whoever develops on a terminal reads their scripts' lines as they wrote them.
pub(super) fn start(format: LogFormat, develops: bool) {
    let usual = if develops { DEVELOPING } else { USUAL };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    if develops && std::io::stderr().is_terminal() {
        log_text::develops();
    }
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
            .finish()
            .with(Collecting)
            .init(),
        LogFormat::Json => {
            JSON.store(true, Ordering::Relaxed);
            builder.json().flatten_event(true).finish().with(Collecting).init();
        }
    }
}
