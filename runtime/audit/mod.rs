//! The audit record: one line of JSON for each egress, written when it has ended. No body and no secret is in it.

mod record;

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) use record::{By, Open, Record, Verdict};

/// Where records go.
#[derive(Debug)]
pub struct Auditor {
    /// The file, or standard output without.
    path: Option<PathBuf>,
    file: Mutex<Option<File>>,
    /// Whether no egress goes out while records cannot be written.
    deny: bool,
    failed: AtomicBool,
    /// Names of query parameters whose values are recorded.
    shown: Vec<String>,
    /// Where records go instead of a file, in tests.
    memory: Option<Records>,
}

/// Records that a test reads.
pub(crate) type Records = Arc<Mutex<Vec<serde_json::Value>>>;

impl Auditor {
    /// Opens the file, or takes standard output without one. Fails where it cannot be opened.
    pub fn open(path: Option<PathBuf>, deny: bool, shown: Vec<String>) -> std::io::Result<Self> {
        let auditor = Self {
            path,
            file: Mutex::new(None),
            deny,
            failed: AtomicBool::new(false),
            shown,
            memory: None,
        };
        auditor.reopen()?;
        Ok(auditor)
    }

    /// Keeps records for a test, each from the moment that its response's head is there.
    pub(crate) fn memory(records: Records) -> Self {
        Self {
            path: None,
            file: Mutex::new(None),
            deny: false,
            failed: AtomicBool::new(false),
            shown: Vec::new(),
            memory: Some(records),
        }
    }

    /// Opens the file anew, after it was rotated away.
    pub fn reopen(&self) -> std::io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
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

    fn write(&self, record: &Record) {
        if let Some(records) = &self.memory {
            if let (Ok(mut records), Ok(record)) = (records.lock(), serde_json::to_value(record)) {
                records.push(record);
            }
            return;
        }
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
        if self.path.is_none() {
            let mut out = std::io::stdout().lock();
            return out.write_all(line).and_then(|()| out.flush());
        }
        let mut file = self.file.lock().map_err(|_| std::io::Error::other("poisoned"))?;
        match file.as_mut() {
            Some(file) => file.write_all(line),
            None => Err(std::io::Error::other("not open")),
        }
    }
}
