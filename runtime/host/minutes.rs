//! Which minute's triggers were called, on whatever thread.

use std::sync::atomic::{AtomicI64, Ordering};

/// The last minute whose triggers a thread has called, of all threads of a server.
#[derive(Debug, Default)]
pub(super) struct Minutes(AtomicI64);

impl Minutes {
    /// Whether this minute is the caller's.
    pub(super) fn take(&self, minute: i64) -> bool {
        self.0.fetch_max(minute, Ordering::AcqRel) < minute
    }
}

#[cfg(test)]
mod tests {
    use super::Minutes;

    #[test]
    fn a_minute_is_taken_once() {
        let minutes = Minutes::default();
        assert!(minutes.take(5) && !minutes.take(5) && !minutes.take(4) && minutes.take(6));
    }
}
