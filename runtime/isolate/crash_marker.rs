//! Crash markers: which worker each thread runs, written where it outlives this process: V8 ends the process for some faults and tells
//! nobody first. The first place is for the worker that the end is owed to, where that is known. A write costs a call of the system, so a thread writes only where it turns to another worker.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::limits::Culprit;

/// Bytes for a thread: its worker, cut to fit and filled up with zeros. Names and tenants of agents have at most 63 bytes.
const ENTRY: usize = 256;

static RECORD: OnceLock<File> = OnceLock::new();
static THREADS: AtomicU64 = AtomicU64::new(1);
static IDS: AtomicU64 = AtomicU64::new(1);
/// Whether the end is owed to somebody already. What comes after is its consequence.
static IS_BLAMED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static PLACE: u64 = THREADS.fetch_add(1, Ordering::Relaxed) * ENTRY as u64;
    static LAST: Cell<u64> = const { Cell::new(0) };
    static NAME: Cell<[u8; ENTRY]> = const { Cell::new([0; ENTRY]) };
}

/// Writes to this file from now on.
pub(crate) fn record_in(file: File) {
    // The first stays.
    let _ = RECORD.set(file);
}

fn entry(worker: &Culprit) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    let name = worker.written();
    let name = &name[..name.floor_char_boundary(ENTRY)];
    entry[..name.len()].copy_from_slice(name.as_bytes());
    entry
}

/// The process is about to end for what this worker does.
pub(crate) fn blame(worker: &Culprit) {
    blame_entry(&entry(worker));
}

/// The same for the worker that this thread runs, if it runs any. It may be called by a signal's handler.
pub(super) fn blame_this() {
    blame_entry(&NAME.get());
}

fn blame_entry(entry: &[u8; ENTRY]) {
    if entry[0] == 0 || IS_BLAMED.swap(true, Ordering::Relaxed) {
        return;
    }
    if let Some(record) = RECORD.get() {
        let _ = record.write_all_at(entry, 0);
    }
}

/// What a record says of a process that has ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Last {
    /// The worker that the end is owed to, where that is known.
    pub(crate) blamed: Option<Culprit>,
    /// The workers that ran, each once.
    pub(crate) ran: Vec<Culprit>,
}

/// Reads a record.
pub(crate) fn read(mut record: &File) -> std::io::Result<Last> {
    let mut bytes = Vec::new();
    std::io::Seek::rewind(&mut record)?;
    std::io::Read::read_to_end(&mut record, &mut bytes)?;
    let mut workers = bytes
        .chunks(ENTRY)
        .map(|entry| Culprit::read(String::from_utf8_lossy(entry).trim_end_matches('\0')));
    let blamed = workers.next().flatten();
    let mut ran: Vec<Culprit> = workers.flatten().collect();
    ran.sort_unstable();
    ran.dedup();
    Ok(Last { blamed, ran })
}

/// The marker of one worker.
pub(super) struct CrashMarker {
    id: u64,
    entry: Box<[u8; ENTRY]>,
}

impl CrashMarker {
    pub(super) fn new(worker: &Culprit) -> Self {
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            entry: Box::new(entry(worker)),
        }
    }

    /// Marks that it runs on this thread.
    pub(super) fn mark(&self) {
        if LAST.replace(self.id) == self.id {
            return;
        }
        NAME.set(*self.entry);
        if let Some(record) = RECORD.get() {
            self.write(record);
        }
    }

    fn write(&self, record: &File) {
        // Nobody is worse off where that fails.
        let _ = PLACE.with(|place| record.write_all_at(&*self.entry, *place));
    }
}

#[cfg(test)]
mod tests {
    use workerd_lite_ops::account::AgentId;

    use super::*;

    // A record of its own: other tests of this process run isolates meanwhile.
    #[test]
    fn threads_are_read_back() {
        let file = tempfile::tempfile().unwrap();
        let agent = |name: &str| Culprit::Agent(AgentId::new(Some("a"), name));
        let (good, bad, long) = (agent("good"), agent("bad"), agent(&"ä".repeat(ENTRY)));
        CrashMarker::new(&good).write(&file);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                CrashMarker::new(&agent("gone")).write(&file);
                CrashMarker::new(&bad).write(&file);
            });
            scope.spawn(|| CrashMarker::new(&good).write(&file));
            scope.spawn(|| CrashMarker::new(&long).write(&file));
        });
        let last = read(&file).unwrap();
        assert_eq!(last.ran, [bad.clone(), good, agent(&"ä".repeat((ENTRY - 2) / 2))]);
        assert_eq!(last.blamed, None);
        file.write_all_at(&entry(&bad), 0).unwrap();
        assert_eq!(read(&file).unwrap().blamed, Some(bad));
    }
}
