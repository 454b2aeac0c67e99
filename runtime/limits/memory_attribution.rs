//! Attribution of resident memory that nobody else counts: what V8's libraries and ours ask the system for on behalf of a script, such as for the
//! data of `Intl`. The process's resident memory is looked at while isolates run, and what it grows by is put down to those
//! in whose turns pages were touched for the first time.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;
use rustix::param::page_size;

/// Below this much more than idle isolates take, nobody's memory is looked at.
const UNSEEN: u64 = 128 << 20;

/// What an idle isolate takes, generously.
const IDLE: u64 = 4 << 20;

/// How many growths are remembered, so that what is given back is put down to whom it came from.
const REMEMBERED: usize = 4096;

/// Whether the process is its agents' alone: what it takes of the system's memory is theirs, and counted from outside.
static ALONE: AtomicBool = AtomicBool::new(false);

/// This process is its agents' alone.
pub(crate) fn in_a_process() {
    ALONE.store(true, Ordering::Relaxed);
}

/// Whether turns count the pages they touch: a call of the system at each end.
static COUNTS: AtomicBool = AtomicBool::new(false);

/// One isolate's part.
#[derive(Debug)]
pub(super) struct Part {
    /// Bytes that it may grow by.
    allowed: u64,
    /// Bytes that the process grew by on its behalf.
    grown: AtomicU64,
    /// Pages touched for the first time in turns that have ended since the last look.
    pages: AtomicU64,
    /// Pages that its thread had touched when its turn began or was last looked at. Zero: not known.
    before: AtomicU64,
}

impl Part {
    pub(super) fn new(allowed: usize) -> Self {
        Self {
            allowed: allowed as u64,
            grown: AtomicU64::new(0),
            pages: AtomicU64::new(0),
            before: AtomicU64::new(0),
        }
    }

    /// A turn begins on this thread.
    pub(super) fn begin(&self) {
        if COUNTS.load(Ordering::Relaxed) {
            self.before.store(touched(), Ordering::Relaxed);
        }
    }

    /// It ends.
    pub(super) fn end(&self) {
        if COUNTS.load(Ordering::Relaxed) {
            let before = self.before.swap(0, Ordering::Relaxed);
            if before != 0 {
                let pages = touched().saturating_sub(before);
                self.pages.fetch_add(pages, Ordering::Relaxed);
            }
        }
    }

    /// Pages touched since the last look; `running` is its thread where a turn runs.
    fn taken(&self, running: Option<Pid>) -> u64 {
        let ended = self.pages.swap(0, Ordering::Relaxed);
        let Some(now) = running.and_then(touched_by) else {
            return ended;
        };
        let before = self.before.swap(now, Ordering::Relaxed);
        ended + if before == 0 { 0 } else { now.saturating_sub(before) }
    }

    /// `most` is what the process grew by altogether: what is more was given back by others' pages.
    pub(super) fn is_too_large(&self, most: u64) -> bool {
        self.grown.fetch_min(most, Ordering::Relaxed).min(most) > self.allowed
    }

    /// Whether it has grown on after it was stopped for that.
    pub(super) fn is_far_too_large(&self) -> bool {
        self.grown.load(Ordering::Relaxed) / 2 > self.allowed
    }
}

/// From now on this process, and what it starts, has pages of one size. Where the system gives huge ones unasked
/// (`/sys/kernel/mm/transparent_hugepage/enabled` is `always`), one fault is 4 KiB for one and 2 MiB for another, and a little of many isolates takes
/// much. PR_SET_THP_DISABLE(2const).
pub(crate) fn refuse_huge_pages() {
    // Without it limits are less exact, and hold.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Pages that the calling thread has touched for the first time.
fn touched() -> u64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.minor_page_faults().unsigned_abs())
}

/// The same of another thread: `minflt` of proc_pid_stat(5).
fn touched_by(thread: Pid) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(7)?.parse().ok()
}

/// The process's memory.
pub(super) struct Process {
    statm: Option<File>,
    /// Bytes resident at the last look.
    last: u64,
    /// What it was before there were isolates.
    base: u64,
    /// Growths, the latest last.
    growths: Vec<(Weak<super::Turns>, u64)>,
}

impl Process {
    pub(super) fn new() -> Self {
        let mut process = Self {
            statm: (!ALONE.load(Ordering::Relaxed))
                .then(|| File::open("/proc/self/statm").ok())
                .flatten(),
            last: 0,
            base: 0,
            growths: Vec::new(),
        };
        process.base = process.resident().unwrap_or(0);
        process.last = process.base;
        process
    }

    fn resident(&self) -> Option<u64> {
        let mut bytes = [0; 64];
        let count = self.statm.as_ref()?.read_at(&mut bytes, 0).ok()?;
        let text = std::str::from_utf8(&bytes[..count]).ok()?;
        let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
        Some(pages * page_size() as u64)
    }

    /// Looks at what has changed, with so many isolates. Whether it is worth putting down to anybody.
    pub(super) fn look(&mut self, isolates: usize) -> Option<Change> {
        let now = self.resident()?;
        let before = std::mem::replace(&mut self.last, now);
        let counts = now > self.base + UNSEEN + IDLE * isolates as u64;
        let counted = COUNTS.swap(counts, Ordering::Relaxed);
        if now < before {
            self.give_back(before - now);
        }
        (counts && counted).then_some(Change {
            grown: now.saturating_sub(before),
            parts: Vec::new(),
        })
    }

    /// What the process gives back came from whoever grew last.
    fn give_back(&mut self, mut bytes: u64) {
        while bytes > 0
            && let Some((turns, grown)) = self.growths.last_mut()
        {
            let less = bytes.min(*grown);
            if let Some(turns) = turns.upgrade() {
                let part = turns.part();
                let now = part.grown.load(Ordering::Relaxed);
                // Nobody else writes it.
                part.grown.store(now.saturating_sub(less), Ordering::Relaxed);
            }
            bytes -= less;
            *grown -= less;
            if *grown == 0 {
                self.growths.pop();
            }
        }
    }

    /// What may be put down to one isolate at most.
    pub(super) fn grown(&self) -> u64 {
        self.last.saturating_sub(self.base)
    }

    /// Puts a change down to those who made it.
    pub(super) fn share(&mut self, change: Change) {
        let all: u64 = change.parts.iter().map(|(_, pages)| pages).sum();
        for (turns, pages) in change.parts {
            let bytes = u64::try_from(u128::from(change.grown) * u128::from(pages) / u128::from(all)).unwrap_or(0);
            if bytes == 0 {
                continue;
            }
            turns.part().grown.fetch_add(bytes, Ordering::Relaxed);
            match self.growths.last_mut() {
                Some((last, grown)) if std::ptr::eq(last.as_ptr(), Arc::as_ptr(&turns)) => *grown += bytes,
                _ => self.growths.push((Arc::downgrade(&turns), bytes)),
            }
        }
        if self.growths.len() > REMEMBERED {
            self.growths.drain(..REMEMBERED / 2);
        }
    }
}

/// What the process grew by between two looks, and who touched how many pages meanwhile.
pub(super) struct Change {
    grown: u64,
    parts: Vec<(Arc<super::Turns>, u64)>,
}

impl Change {
    /// Adds one isolate. `running` is its thread, where a turn of it runs.
    pub(super) fn add(&mut self, turns: &Arc<super::Turns>, running: Option<Pid>) {
        let pages = turns.part().taken(running);
        if pages > 0 {
            self.parts.push((Arc::clone(turns), pages));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_touched_are_counted_alike_from_both_sides() {
        refuse_huge_pages();
        let before = touched();
        // So much comes from the system, never from what the allocator keeps: DEFAULT_MMAP_THRESHOLD_MAX of mallopt(3).
        let memory = vec![1_u8; 40 << 20];
        assert!(memory.iter().all(|byte| *byte == 1));
        let after = touched();
        assert!(after - before >= (20 << 20) / page_size() as u64, "{before} {after}");
        let seen = touched_by(nix::unistd::gettid()).unwrap();
        assert!(seen >= after && seen < after + 200, "{after} {seen}");
    }

    #[test]
    fn what_is_given_back_came_from_the_last() {
        let turns = [100_usize, 100].map(|allowed| {
            let test = crate::limits::Culprit::Owner("test".into(), None);
            super::super::Turns::watch(test, allowed, crate::limits::Orders::default())
        });
        let mut process = Process::new();
        for (number, grown) in [(0, 90), (1, 200), (1, 50)] {
            process.share(Change {
                grown,
                parts: vec![(Arc::clone(&turns[number]), 7)],
            });
        }
        assert!(!turns[0].part().is_too_large(1000) && turns[1].part().is_too_large(1000));
        process.give_back(160);
        assert!(!turns[1].part().is_too_large(1000));
        process.give_back(1000);
        assert_eq!(turns.map(|turns| turns.part().grown.load(Ordering::Relaxed)), [0, 0]);
        assert!(process.growths.is_empty());
    }
}
