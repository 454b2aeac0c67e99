//! How an agent stands with its neighbours: one whose turns are long, or whose isolate had to be stopped, works apart from
//! them for a while.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// A shorter turn disturbs nobody.
pub(crate) const LONG: Duration = Duration::from_millis(5);

/// In which time long turns are added up.
const WINDOW: Duration = Duration::from_millis(500);

/// How much of a window long turns may take.
const SHARE: Duration = Duration::from_millis(100);

/// How long an agent works apart after its last window of long turns, after its isolate was stopped, and after its thread
/// did not come back from that.
const APART: Duration = Duration::from_secs(10);
const OFFENDED: Duration = Duration::from_secs(30);
const HUNG: Duration = Duration::from_mins(5);

/// One agent's standing, on every thread that it works on.
#[derive(Debug)]
pub(crate) struct Standing {
    began: Instant,
    /// Until when it works apart, in milliseconds since `began`.
    until: AtomicU64,
    /// Until when it does not work at all.
    barred: AtomicU64,
    window: Mutex<Window>,
    /// Tells the events that are queued.
    moved: Notify,
    /// Whether long turns disturb anybody: there are neighbours.
    crowded: bool,
}

#[derive(Debug, Default)]
struct Window {
    number: u128,
    long: Duration,
}

impl Standing {
    pub(crate) fn new(crowded: bool) -> Self {
        Self {
            began: Instant::now(),
            until: AtomicU64::new(0),
            barred: AtomicU64::new(0),
            window: Mutex::default(),
            moved: Notify::new(),
            crowded,
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A turn took so much CPU time.
    pub(crate) fn took(&self, turn: Duration) {
        if turn < LONG || !self.crowded {
            return;
        }
        let number = self.began.elapsed().as_nanos() / WINDOW.as_nanos();
        let Ok(mut window) = self.window.lock() else { return };
        if window.number != number {
            *window = Window {
                number,
                long: Duration::ZERO,
            };
        }
        window.long += turn;
        if window.long > SHARE {
            self.part(APART);
        }
    }

    /// Its isolate was stopped.
    pub(crate) fn offended(&self) {
        self.part(OFFENDED);
    }

    /// A thread did not come back from it.
    pub(crate) fn hung(&self) {
        self.part(HUNG);
    }

    /// It does not work for so long: it has ended processes again and again.
    pub(crate) fn bar(&self, time: Duration) {
        let until = self.now() + u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.barred.store(until, Ordering::Relaxed);
    }

    /// Whether it may work at all.
    pub(crate) fn is_barred(&self) -> bool {
        let until = self.barred.load(Ordering::Relaxed);
        until != 0 && self.now() < until
    }

    fn part(&self, time: Duration) {
        let now = self.now();
        let until = now + u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        if self.until.fetch_max(until, Ordering::Relaxed) <= now {
            self.moved.notify_waiters();
        }
    }

    /// Whether it works apart.
    pub(crate) fn is_apart(&self) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        until != 0 && self.now() < until
    }

    /// Waits until it works apart.
    pub(crate) async fn parted(&self) {
        self.moved.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_turns_part_and_short_ones_do_not() {
        let standing = Standing::new(true);
        for _ in 0..1000 {
            standing.took(Duration::from_millis(1));
        }
        assert!(!standing.is_apart());
        for _ in 0..8 {
            standing.took(Duration::from_millis(40));
        }
        assert!(standing.is_apart());
        let alone = Standing::new(false);
        for _ in 0..8 {
            alone.took(Duration::from_millis(40));
        }
        assert!(!alone.is_apart());
        alone.offended();
        assert!(alone.is_apart());
    }
}
