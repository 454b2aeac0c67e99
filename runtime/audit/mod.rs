//! The audit record: one line of JSON for each egress, written when it has ended. No body and no secret is in it.

mod access;
mod calling;
mod changes;
mod cut;
mod denials;
mod feed;
mod line_file;
mod live_egress;
mod masked_url;
mod open;
mod record;
mod share;
mod sink;
mod sketch;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use deno_core::url::Url;
use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::{Termination, clock};

pub(crate) use access::Access;
pub use access::AccessLog;
pub(crate) use calling::Calling;
pub(crate) use changes::fields;
pub(crate) use cut::shortened;
pub(crate) use denials::DenialLine;
pub use feed::Feed;
pub(crate) use masked_url::{shown as shown_url, tcp_url};
pub(crate) use open::Open;
pub(crate) use record::Record;
use share::line;
use sink::{About, Sink};
pub(crate) use sketch::Sketch;
pub(crate) use workerd_lite_ops::verdict::{By, Verdict};

use crate::metrics::Stream;

/// Where records go.
#[derive(Debug)]
pub struct Auditor {
    destination: Destination,
    /// Whether no egress goes out that can not be recorded.
    deny: bool,
    /// Names of query parameters whose values are recorded.
    shown: Vec<String>,
    /// Who looks on.
    feed: OnceLock<Arc<Feed>>,
}

#[derive(Debug)]
enum Destination {
    Written(Arc<Sink>),
    /// For tests.
    Memory(Records),
    /// They are only looked at.
    Nowhere,
}

/// Records that a test reads.
pub(crate) type Records = Arc<Mutex<Vec<serde_json::Value>>>;

/// What is written.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// Whether no egress goes out that can not be recorded.
    pub deny: bool,
    /// Names of query parameters whose values are recorded.
    pub shown: Vec<String>,
    /// Records a second of one agent, of what does not leave; beyond that they are counted.
    pub rate: NonZeroU32,
}

impl Auditor {
    /// Opens the file, or takes standard output without one. Fails where it cannot be opened.
    pub fn open(path: Option<PathBuf>, options: AuditOptions) -> std::io::Result<Self> {
        let sink = Sink::open(path, options.rate.get(), Stream::Audit)?;
        Ok(Self {
            deny: options.deny,
            shown: options.shown,
            ..Self::to(Destination::Written(sink))
        })
    }

    fn to(destination: Destination) -> Self {
        Self {
            destination,
            deny: false,
            shown: Vec::new(),
            feed: OnceLock::new(),
        }
    }

    /// Keeps records for a test, each from the moment that its response's head is there.
    pub(crate) fn memory(records: Records) -> Self {
        Self::to(Destination::Memory(records))
    }

    /// Writes no records: they are only looked at.
    pub(crate) fn nowhere() -> Self {
        Self::to(Destination::Nowhere)
    }

    /// Lets someone look on, once.
    pub(crate) fn show(&self, feed: Arc<Feed>) {
        let _ = self.feed.set(feed);
    }

    /// Who looks on, and wants to see what policies change.
    pub(crate) fn feed(&self) -> Option<&Arc<Feed>> {
        self.feed.get()
    }

    /// A URL as the live page shows it.
    pub(crate) fn shown_url(&self, url: &Url) -> String {
        shown_url(url, &self.shown)
    }

    /// Whether records are a test's: whole, and there as soon as the head is.
    fn is_memory(&self) -> bool {
        matches!(self.destination, Destination::Memory(_))
    }

    /// Opens the file anew, after it was rotated away.
    pub fn reopen(&self) -> std::io::Result<()> {
        match &self.destination {
            Destination::Written(sink) => sink.reopen(),
            _ => Ok(()),
        }
    }

    /// Waits until what there is has been written, for so long at most.
    pub(crate) fn flush(&self, limit: Duration) {
        if let Destination::Written(sink) = &self.destination {
            sink.flush(limit);
        }
    }

    /// Records that an agent's event was ended for what it used.
    pub(crate) fn ended(&self, agent: &AgentId, why: Termination, request_id: &str) {
        let Destination::Written(sink) = &self.destination else {
            return;
        };
        sink.put(agent, About::Stayed, || {
            let mut ended = serde_json::json!({
                "event": "terminated",
                "time": humantime::format_rfc3339_micros(clock::wall()).to_string(),
                "request_id": request_id,
                "agent": &*agent.name,
                "reason": why.word(),
                "status": why.status().as_u16(),
            });
            if let Some(tenant) = &agent.tenant {
                ended["tenant"] = (&**tenant).into();
            }
            line(&ended)
        });
    }

    /// Whether an egress may leave: what must be recorded is, before it does. Gives whether its record has a place then.
    fn admits(&self, record: &mut Record) -> Result<bool, Unrecorded> {
        let (true, Destination::Written(sink)) = (self.deny, &self.destination) else {
            return Ok(false);
        };
        record.cut();
        let opening = line(&record.opening()).ok_or(Unrecorded)?;
        if sink.admit(&record.whose(), opening) {
            Ok(true)
        } else {
            Err(Unrecorded)
        }
    }

    fn write(&self, record: &mut Record, reserved: bool) {
        match &self.destination {
            Destination::Written(sink) => {
                let about = if record.has_left() || reserved {
                    About::Left { reserved }
                } else {
                    About::Stayed
                };
                sink.put(&record.whose(), about, || {
                    record.cut();
                    line(&*record)
                });
            }
            Destination::Memory(records) => {
                if let (Ok(mut records), Ok(record)) = (records.lock(), serde_json::to_value(record)) {
                    records.push(record);
                }
            }
            Destination::Nowhere => {}
        }
    }
}

/// An egress can not be recorded, and must not leave therefore.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the audit record can not be written")]
pub(crate) struct Unrecorded;
