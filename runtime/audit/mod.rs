//! The audit record: one line of JSON for each egress, written when it has ended. No body and no secret is in it.

mod changes;
mod feed;
mod masked_url;
mod record;

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::{Termination, clock};

use crate::output::has_room;
pub use feed::Feed;
pub(crate) use masked_url::masked;
pub(crate) use record::{By, Open, Record, Verdict};

/// Where records go.
#[derive(Debug)]
pub struct Auditor {
    destination: Destination,
    file: Mutex<Option<File>>,
    /// Whether no egress goes out while records cannot be written.
    deny: bool,
    failed: AtomicBool,
    /// Names of query parameters whose values are recorded.
    shown: Vec<String>,
    /// Who looks on.
    feed: OnceLock<Arc<Feed>>,
}

#[derive(Debug)]
enum Destination {
    File(PathBuf),
    Stdout,
    /// For tests.
    Memory(Records),
    /// They are only looked at.
    Nowhere,
}

/// Records that a test reads.
pub(crate) type Records = Arc<Mutex<Vec<serde_json::Value>>>;

impl Auditor {
    /// Opens the file, or takes standard output without one. Fails where it cannot be opened.
    pub fn open(path: Option<PathBuf>, deny: bool, shown: Vec<String>) -> std::io::Result<Self> {
        let destination = path.map_or(Destination::Stdout, Destination::File);
        let auditor = Self {
            deny,
            shown,
            ..Self::to(destination)
        };
        auditor.reopen()?;
        Ok(auditor)
    }

    fn to(destination: Destination) -> Self {
        Self {
            destination,
            file: Mutex::new(None),
            deny: false,
            failed: AtomicBool::new(false),
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

    /// Whether someone looks on, and wants to see what policies change.
    pub(crate) fn is_shown(&self) -> bool {
        self.feed.get().is_some()
    }

    /// Whether records are a test's: whole, and there as soon as the head is.
    fn is_memory(&self) -> bool {
        matches!(self.destination, Destination::Memory(_))
    }

    /// Opens the file anew, after it was rotated away.
    pub fn reopen(&self) -> std::io::Result<()> {
        let Destination::File(path) = &self.destination else {
            return Ok(());
        };
        let file = File::options().create(true).append(true).mode(0o600).open(path)?;
        if let Ok(mut held) = self.file.lock() {
            *held = Some(file);
        }
        Ok(())
    }

    /// Whether an egress may go out: where records must be written and the last one could not be, it is tried again.
    pub(crate) fn may_pass(&self) -> bool {
        if !self.deny || !self.failed.load(Ordering::Relaxed) {
            return true;
        }
        let written = self
            .reopen()
            .and_then(|()| self.append(b"{\"event\":\"audit resumed\"}\n"));
        if written.is_ok() {
            self.failed.store(false, Ordering::Relaxed);
            tracing::info!("audit records can be written again");
        }
        written.is_ok()
    }

    /// Records that an agent's event was ended for what it used.
    pub(crate) fn ended(&self, agent: &AgentId, why: Termination, request_id: &str) {
        let mut line = serde_json::json!({
            "event": "terminated",
            "time": humantime::format_rfc3339_micros(clock::wall()).to_string(),
            "request_id": request_id,
            "agent": &*agent.name,
            "reason": why.word(),
            "status": why.status().as_u16(),
        });
        if let Some(tenant) = &agent.tenant {
            line["tenant"] = (&**tenant).into();
        }
        if matches!(self.destination, Destination::File(_) | Destination::Stdout) {
            self.write_line(&line);
        }
    }

    fn write(&self, record: &Record) {
        if let Some(feed) = self.feed.get() {
            feed.publish(&record.shown());
        }
        match &self.destination {
            Destination::File(_) | Destination::Stdout => self.write_line(record),
            Destination::Memory(records) => {
                if let (Ok(mut records), Ok(record)) = (records.lock(), serde_json::to_value(record)) {
                    records.push(record);
                }
            }
            Destination::Nowhere => {}
        }
    }

    fn write_line(&self, record: &impl serde::Serialize) {
        let Ok(mut line) = serde_json::to_vec(record) else {
            return;
        };
        line.push(b'\n');
        if let Err(error) = self.append(&line) {
            if !self.failed.swap(true, Ordering::Relaxed) {
                let then = if self.deny {
                    ": every egress is denied until they can be"
                } else {
                    ""
                };
                tracing::error!("audit records can not be written ({error}){then}");
            }
        }
    }

    /// One write a line, so that lines of several threads and processes do not mix.
    fn append(&self, line: &[u8]) -> std::io::Result<()> {
        if matches!(self.destination, Destination::Stdout) {
            let mut out = std::io::stdout().lock();
            if !has_room(&out) {
                return Err(std::io::Error::other("whoever reads standard output stands still"));
            }
            return out.write_all(line).and_then(|()| out.flush());
        }
        let mut file = self.file.lock().map_err(|_| std::io::Error::other("poisoned"))?;
        match file.as_mut() {
            Some(file) => file.write_all(line),
            None => Err(std::io::Error::other("not open")),
        }
    }
}
