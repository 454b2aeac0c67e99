//! Limits: what workers may use, and what ends those that use more.

mod culprit;
pub(crate) mod files;
pub(crate) mod free_memory;
mod hang;
mod head;
pub(crate) mod heartbeat;
mod memory_attribution;
pub(crate) mod priority;
mod quarantine;
mod resident;
mod thread_clock;
mod unread;
mod values;
mod watchdog;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use workerd_lite_ops::work_pool;

pub(crate) use culprit::Culprit;
pub(crate) use hang::{Hang, Lost, ends_its_process, found, hangs, on_this_thread};
pub(crate) use head::HeadLimits;
pub(crate) use memory_attribution::{in_a_process, refuse_huge_pages};
pub(crate) use quarantine::{LONG, Quarantine};
pub(crate) use resident::resident;
pub(crate) use thread_clock::ThreadClock;
pub(crate) use unread::Unread;
pub use values::{ClientTimeouts, Limits};
pub(crate) use watchdog::{Orders, Turns};

/// Seeds the random numbers of this thread. The first time in a process this gathers entropy for some 50 ms of CPU time, which
/// is more than an event may take: none is to pay for it.
pub(crate) fn seed() {
    // Where it fails, whoever wants random numbers hears of it.
    let _ = aws_lc_rs::rand::fill(&mut [0; 1]);
}

/// The runtime of a thread with isolates. What leaves that thread, such as the work of `crypto.subtle`, runs below what
/// stays.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    seed();
    work_pool::before_work(|| priority::lower(nix::unistd::gettid()));
    let thread = std::thread::current().id();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(64)
        .on_thread_start(move || {
            if std::thread::current().id() != thread {
                priority::lower(nix::unistd::gettid());
            }
        })
        .build()
}

/// Counts what has moved, for whoever waits for the rest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Rc<Cell<u64>>);

impl Progress {
    /// Something has moved.
    pub(crate) fn tick(&self) {
        self.0.set(self.0.get().wrapping_add(1));
    }

    /// Waits for `work` as long as something moves: the time begins anew with each tick. Gives nothing where it was up.
    pub(crate) async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let before = self.0.get();
            match tokio::time::timeout(limit, work.as_mut()).await {
                Ok(output) => return Some(output),
                Err(_) if self.0.get() != before => {}
                Err(_) => return None,
            }
        }
    }
}
