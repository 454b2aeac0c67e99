//! An agents' process's own log: each line is told to the parent, which writes it. None is waited for: where there is no room, lines are
//! dropped, and counted.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use workerd_lite_ops::worker_log::cut;

use super::told::{Level, Told};

/// How many reports wait at most.
const WAITING: usize = 1024;

/// Where reports go.
#[derive(Debug, Clone)]
pub(crate) struct Reports {
    sender: mpsc::Sender<Told>,
    dropped: Arc<AtomicU64>,
}

impl Reports {
    /// Tells something, where there is room.
    pub(crate) fn tell(&self, told: Told) {
        if self.sender.try_send(told).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were dropped since this was asked last.
    pub(crate) fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}

/// From now on lines of the log are reports, of agents that have these names by their places, or of a policy.
pub(crate) fn report_to(
    names: HashMap<String, u16>,
    (policys, debug): (bool, bool),
) -> (Reports, mpsc::Receiver<Told>) {
    let (sender, told) = mpsc::channel(WAITING);
    let reports = Reports {
        sender,
        dropped: Arc::default(),
    };
    let layer = Telling {
        reports: reports.clone(),
        names,
        policys,
        most: if debug {
            tracing::Level::DEBUG
        } else {
            tracing::Level::INFO
        },
    };
    tracing_subscriber::registry().with(layer).init();
    (reports, told)
}

struct Telling {
    reports: Reports,
    names: HashMap<String, u16>,
    policys: bool,
    most: tracing::Level,
}

impl Telling {
    /// The agent of this name, or the one that has loaded the worker of this name.
    fn place(&self, name: &str) -> Option<u16> {
        let parent = name.split('/').next().unwrap_or(name);
        self.names.get(name).or_else(|| self.names.get(parent)).copied()
    }
}

impl<S: Subscriber> Layer<S> for Telling {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        // What libraries say of themselves is nobody's line.
        *metadata.level() <= self.most
            && (matches!(metadata.target(), "console" | "worker") || *metadata.level() <= tracing::Level::WARN)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut read = Line::default();
        event.record(&mut read);
        let metadata = event.metadata();
        let level = match *metadata.level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::INFO => Level::Info,
            _ => Level::Debug,
        };
        self.reports.tell(Told::Line {
            level,
            console: metadata.target() == "console",
            agent: read
                .agent
                .as_ref()
                .filter(|_| !self.policys)
                .and_then(|name| self.place(name)),
            caller: read.agent.filter(|_| self.policys).map(|name| (read.tenant, name)),
            request_id: read.request_id,
            text: cut(&read.text).into_owned(),
        });
    }
}

#[derive(Default)]
struct Line {
    agent: Option<String>,
    tenant: Option<String>,
    request_id: Option<String>,
    text: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "agent" => self.agent = Some(value.to_owned()),
            "tenant" => self.tenant = Some(value.to_owned()),
            "request_id" => self.request_id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.text = format!("{value:?}");
        }
    }
}
