//! Quarantine of agents: one whose turns are long, or whose isolate was stopped, runs in a bulkhead for a while, as Envoy's
//! outlier detection ejects a host. One that ends processes again and again is ejected: it gets no request at all.

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

/// How long the quarantine lasts after the last window of long turns, after its isolate was stopped, and after its thread
/// did not come back from that.
const LONG_TURNS_FOR: Duration = Duration::from_secs(10);
const STOPPED_FOR: Duration = Duration::from_secs(30);
const HUNG_FOR: Duration = Duration::from_mins(5);

/// The state of one agent, shared by all threads that run it.
#[derive(Debug)]
pub(crate) struct Quarantine {
    began: Instant,
    /// Until when it is in quarantine, in milliseconds since `began`.
    until: AtomicU64,
    /// Until when it gets no request, in milliseconds since `began`.
    ejected: AtomicU64,
    window: Mutex<Window>,
    /// Wakes the events that are queued, so that they move to the bulkhead.
    begins: Notify,
    /// Whether long turns disturb anybody: there are neighbours.
    crowded: bool,
}

#[derive(Debug, Default)]
struct Window {
    number: u128,
    long: Duration,
}

impl Quarantine {
    pub(crate) fn new(crowded: bool) -> Self {
        Self {
            began: Instant::now(),
            until: AtomicU64::new(0),
            ejected: AtomicU64::new(0),
            window: Mutex::default(),
            begins: Notify::new(),
            crowded,
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A turn took so much CPU time.
    pub(crate) fn record_turn(&self, turn: Duration) {
        if turn >= LONG {
            self.record_long(turn);
        }
    }

    /// The host worked for it for so long in one go, on a thread that others share: a millisecond at least.
    pub(crate) fn record_host(&self, time: Duration) {
        self.record_long(time);
    }

    fn record_long(&self, turn: Duration) {
        if !self.crowded {
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
            self.quarantine_for(LONG_TURNS_FOR);
        }
    }

    /// Its isolate was stopped.
    pub(crate) fn record_stop(&self) {
        self.quarantine_for(STOPPED_FOR);
    }

    /// A thread did not come back from it.
    pub(crate) fn record_hang(&self) {
        self.quarantine_for(HUNG_FOR);
    }

    /// It gets no request for so long.
    pub(crate) fn eject(&self, time: Duration) {
        let until = self
            .now()
            .saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self.ejected.store(until, Ordering::Relaxed);
    }

    /// Whether it gets no request now.
    pub(crate) fn is_ejected(&self) -> bool {
        let until = self.ejected.load(Ordering::Relaxed);
        until != 0 && self.now() < until
    }

    fn quarantine_for(&self, time: Duration) {
        let now = self.now();
        let until = now.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        if self.until.fetch_max(until, Ordering::Relaxed) <= now {
            self.begins.notify_waiters();
        }
    }

    /// Whether its events run in a bulkhead now.
    pub(crate) fn is_quarantined(&self) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        until != 0 && self.now() < until
    }

    /// Waits until the quarantine begins.
    pub(crate) async fn quarantined(&self) {
        self.begins.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_turns_begin_the_quarantine_and_short_ones_do_not() {
        let quarantine = Quarantine::new(true);
        for _ in 0..1000 {
            quarantine.record_turn(Duration::from_millis(1));
        }
        assert!(!quarantine.is_quarantined());
        for _ in 0..8 {
            quarantine.record_turn(Duration::from_millis(40));
        }
        assert!(quarantine.is_quarantined());
        let alone = Quarantine::new(false);
        for _ in 0..8 {
            alone.record_turn(Duration::from_millis(40));
        }
        assert!(!alone.is_quarantined());
        alone.record_stop();
        assert!(alone.is_quarantined());
    }
}
