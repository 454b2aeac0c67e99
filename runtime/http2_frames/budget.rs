//! How many frames a connection may carry that are of no use to whoever reads them: each costs CPU time.

use std::time::Instant;

/// How many a connection has at first, and at most.
pub(crate) const FRAMES: u32 = 1000;

/// How many come back in each second: for pings.
const PER_SECOND: u32 = 10;

/// What one connection has left of them.
#[derive(Debug)]
pub(crate) struct Budget {
    left: u32,
    since: Instant,
}

impl Budget {
    /// All of them.
    pub(crate) fn new() -> Self {
        Self {
            left: FRAMES,
            since: Instant::now(),
        }
    }

    /// So many more, for what uses of the connection bring along.
    pub(crate) fn add(&mut self, frames: u32) {
        self.left = self.left.saturating_add(frames).min(FRAMES);
    }

    /// Takes so many. Gives whether there were as many.
    pub(crate) fn take(&mut self, frames: u32) -> bool {
        if self.left < frames {
            // The clock is asked where that matters.
            let now = Instant::now();
            let seconds = u32::try_from(now.duration_since(self.since).as_secs()).unwrap_or(u32::MAX);
            if seconds > 0 {
                self.since = now;
                self.add(seconds.saturating_mul(PER_SECOND));
            }
        }
        let rest = self.left.checked_sub(frames);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }
}
