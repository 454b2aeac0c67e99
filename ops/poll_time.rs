//! How long polls take. A poll within another is not counted twice.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A shorter poll is taken for what the clock on the wall says: nobody has interrupted it for long.
pub(crate) const SHORT: Duration = Duration::from_millis(1);

/// For how many polls CPU time is measured, by a call of the system, once one was not short.
const DOUBTED: u32 = 64;

thread_local! {
    /// Time of this poll that has been counted already, by what was polled within.
    static WITHIN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static MEASURED: Cell<u32> = const { Cell::new(0) };
}

/// One poll, from its beginning.
#[derive(Clone, Copy)]
pub(crate) struct PollTime {
    within: Duration,
    began: Instant,
    cpu: Option<Duration>,
}

impl PollTime {
    pub(crate) fn begin() -> Self {
        let measured = MEASURED.get();
        Self {
            within: WITHIN.take(),
            began: Instant::now(),
            cpu: (measured > 0).then(thread_cpu).flatten(),
        }
    }

    /// CPU time that it took itself.
    pub(crate) fn end(self) -> Duration {
        let passed = self.began.elapsed();
        let worked = if passed < SHORT {
            MEASURED.set(MEASURED.get().saturating_sub(1));
            passed
        } else {
            MEASURED.set(DOUBTED);
            // Not known: others may have had the processor.
            let worked = self.cpu.and_then(|before| Some(thread_cpu()?.saturating_sub(before)));
            worked.map_or(SHORT, |worked| worked.min(passed))
        };
        let own = worked.saturating_sub(WITHIN.get());
        WITHIN.set(self.within + worked);
        own
    }
}

/// The CPU time of the calling thread.
pub fn thread_cpu() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(Duration::new(
        u64::try_from(time.tv_sec).ok()?,
        u32::try_from(time.tv_nsec).ok()?,
    ))
}
