//! What an isolate shows of itself: its events, its heap and what it holds outside of that. An agent's isolates are counted together,
//! and so are the policy's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use workerd_lite_ops::account::Account;
use workerd_lite_ops::statistics::Statistics;

use super::footprint::Footprint;
use crate::metrics;

/// How often V8 is asked for the size of a heap, at most.
const EVERY: Duration = Duration::from_secs(1);

/// One isolate, until this is dropped.
pub(super) struct Gauge {
    account: Option<Arc<Account>>,
    events: usize,
    heap: usize,
    buffers: usize,
    asked: Option<Instant>,
    footprint: Footprint,
}

/// Puts a number in the place of what it was.
fn replace(sum: &AtomicUsize, before: &mut usize, now: usize) {
    if now != *before {
        // Numbers of several threads are in one sum, which is right once all have been added.
        sum.fetch_add(now.wrapping_sub(std::mem::replace(before, now)), Ordering::Relaxed);
    }
}

impl Gauge {
    pub(super) fn new(account: Option<Arc<Account>>) -> Self {
        let gauge = Self {
            account,
            events: 0,
            heap: 0,
            buffers: 0,
            asked: None,
            footprint: Footprint::new(),
        };
        gauge.statistics().isolates.fetch_add(1, Ordering::Relaxed);
        gauge
    }

    fn statistics(&self) -> &Statistics {
        match &self.account {
            Some(account) => account.statistics(),
            None => &metrics::POLICY,
        }
    }

    /// Whether it is time to ask for the heap's size.
    pub(super) fn wants_heap(&mut self) -> bool {
        let now = Instant::now();
        let wants = self.asked.is_none_or(|asked| now - asked >= EVERY);
        if wants {
            self.asked = Some(now);
        }
        wants
    }

    /// A turn has ended: so many events are open, so many bytes are used. Of the heap: bytes in use, and bytes that it takes.
    pub(super) fn set(&mut self, events: usize, buffers: usize, heap: Option<(usize, usize)>) {
        let (mut known, account) = ((self.events, self.buffers, self.heap), self.account.clone());
        let statistics = match &account {
            Some(account) => account.statistics(),
            None => &*metrics::POLICY,
        };
        replace(&statistics.events, &mut known.0, events);
        replace(&statistics.buffers, &mut known.1, buffers);
        if let Some((heap, taken)) = heap {
            self.footprint.set(taken, buffers);
            replace(&statistics.heap, &mut known.2, heap);
        }
        (self.events, self.buffers, self.heap) = known;
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.set(0, 0, Some((0, 0)));
        self.statistics().isolates.fetch_sub(1, Ordering::Relaxed);
    }
}
