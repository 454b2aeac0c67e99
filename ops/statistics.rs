//! What is counted of one agent. Counting takes no lock: each number is an atomic of its own.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Classes of statuses, `1xx` to `5xx`, and what had no response.
pub const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

/// Why responses' bodies fail after their head was sent, in the access log's words.
pub const BROKEN: [&str; 4] = ["body", "upstream", "memory", "response_body"];

/// The upper bounds of a histogram of times, in seconds. Behind the last is a bucket for the rest.
pub const BOUNDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// So many counters of one kind.
#[derive(Debug)]
pub struct Counters<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl<const N: usize> Counters<N> {
    /// One more. What is not among them is not counted.
    pub fn count(&self, index: usize) {
        self.add(index, 1);
    }

    fn add(&self, index: usize, more: u64) {
        if let Some(counter) = self.0.get(index) {
            counter.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// Them all.
    pub fn get(&self) -> [u64; N] {
        std::array::from_fn(|index| self.0[index].load(Ordering::Relaxed))
    }

    /// Adds what others have counted.
    pub fn merge(&self, other: &Self) {
        for (index, more) in other.get().into_iter().enumerate() {
            self.add(index, more);
        }
    }
}

/// How often something took how long.
#[derive(Debug, Default)]
pub struct Times {
    buckets: Counters<{ BOUNDS.len() + 1 }>,
    /// Microseconds.
    sum: AtomicU64,
}

impl Times {
    /// It took so long once more.
    pub fn observe(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
        self.buckets.count(bucket.unwrap_or(BOUNDS.len()));
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }

    /// Seconds in all, and how many there were in each bucket.
    pub fn get(&self) -> (f64, [u64; BOUNDS.len() + 1]) {
        let sum = Duration::from_micros(self.sum.load(Ordering::Relaxed));
        (sum.as_secs_f64(), self.buckets.get())
    }

    /// Adds what others have counted.
    pub fn merge(&self, other: &Self) {
        self.buckets.merge(&other.buckets);
        self.sum.fetch_add(other.sum.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// One agent's numbers, on all threads. What the places of counters stand for is said where they are shown.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Clients' requests, by [`CLASSES`], from their head to the end of their response's body.
    pub requests: [Times; CLASSES.len()],
    /// Requests that are not over.
    pub in_flight: AtomicUsize,
    /// Its requests on their way out, by verdict and by who gave it.
    pub egress: Counters<28>,
    /// How long the policy took until it answered or asked for something itself.
    pub policy: Times,
    /// Connections that did not come about, by why.
    pub connect_errors: Counters<8>,
    /// Events that were ended, by why.
    pub ended: Counters<8>,
    /// Responses whose body failed after their head was sent, by [`BROKEN`].
    pub broken_bodies: Counters<{ BROKEN.len() }>,
    /// Isolates that were stopped, its own and the policy's for it, by why.
    pub replaced: [Counters<8>; 2],
    /// Events that are not over in its isolates, `waitUntil` included.
    pub events: AtomicUsize,
    /// Its isolates.
    pub isolates: AtomicUsize,
    /// Bytes of their heaps, and outside of them, at the end of their last turns.
    pub heap: AtomicUsize,
    /// The latter.
    pub buffers: AtomicUsize,
}

impl Statistics {
    /// Adds what another has counted that has ended. What is under way is no sum of times gone by.
    pub fn merge(&self, other: &Self) {
        for (own, more) in self.requests.iter().zip(&other.requests) {
            own.merge(more);
        }
        self.egress.merge(&other.egress);
        self.policy.merge(&other.policy);
        self.connect_errors.merge(&other.connect_errors);
        self.ended.merge(&other.ended);
        self.broken_bodies.merge(&other.broken_bodies);
        for (own, more) in self.replaced.iter().zip(&other.replaced) {
            own.merge(more);
        }
    }

    /// A response's body has failed after its head was sent, for one of [`BROKEN`].
    pub fn broken_body(&self, reason: &str) {
        if let Some(index) = BROKEN.iter().position(|known| *known == reason) {
            self.broken_bodies.count(index);
        }
    }

    /// The class of a status.
    pub fn class(status: Option<u16>) -> usize {
        let class = status.and_then(|status| usize::from(status / 100).checked_sub(1));
        class.unwrap_or(usize::MAX).min(CLASSES.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_their_buckets() {
        let times = Times::default();
        for millis in [0, 1, 2, 30_000, 31_000] {
            times.observe(Duration::from_millis(millis));
        }
        let (sum, buckets) = times.get();
        assert!((sum - 61.003).abs() < 1e-9, "{sum}");
        assert_eq!((buckets[0], buckets[1]), (2, 1));
        assert_eq!((buckets[13], buckets[14]), (1, 1));
        let all = Times::default();
        all.merge(&times);
        all.merge(&times);
        assert_eq!(all.get().1.iter().sum::<u64>(), 10);
    }

    #[test]
    fn statuses_have_classes() {
        let class = |status| CLASSES[Statistics::class(status)];
        assert_eq!(
            [class(Some(100)), class(Some(204)), class(Some(599))],
            ["1xx", "2xx", "5xx"]
        );
        assert_eq!([class(None), class(Some(0)), class(Some(999))], ["none"; 3]);
    }
}
