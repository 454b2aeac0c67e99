//! The clock of one thread's CPU time, for other threads.

use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::gettid;

/// It.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadClock(ClockId);

impl ThreadClock {
    /// That of the calling thread: Linux makes it of the thread's id, as `pthread_getcpuclockid()` does.
    pub(crate) fn of_this_thread() -> Self {
        const PER_THREAD_SCHEDULED: i32 = 4 | 2;
        Self(ClockId::from_raw((!gettid().as_raw() << 3) | PER_THREAD_SCHEDULED))
    }

    /// The CPU time that the thread has used. Nothing where it has ended.
    pub(crate) fn now(self) -> Option<Duration> {
        self.0.now().ok().map(Duration::from)
    }
}
