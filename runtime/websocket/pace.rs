//! How many messages pass in a second: what comes faster waits.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// So many in a second, and as many at once.
pub(super) struct Pace {
    per_second: f64,
    left: f64,
    since: Instant,
}

impl Pace {
    /// Nothing is any number.
    pub(super) fn new(per_second: Option<u32>) -> Option<Self> {
        let per_second = f64::from(per_second?);
        Some(Self {
            per_second,
            left: per_second,
            since: Instant::now(),
        })
    }

    fn fill(&mut self) {
        let now = Instant::now();
        let more = now.duration_since(self.since).as_secs_f64() * self.per_second;
        self.left = (self.left + more).min(self.per_second);
        self.since = now;
    }

    /// Whether one more may pass now.
    pub(super) fn takes(&mut self) -> bool {
        if self.left < 1.0 {
            self.fill();
        }
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }

    /// Waits until one more may pass.
    pub(super) async fn take(&mut self) {
        while !self.takes() {
            sleep(Duration::from_secs_f64(
                ((1.0 - self.left) / self.per_second).max(0.001),
            ))
            .await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_in_a_second() {
        let mut pace = Pace::new(Some(10)).unwrap();
        let began = Instant::now();
        for _ in 0..30 {
            pace.take().await;
        }
        let took = began.elapsed();
        assert!(
            took > Duration::from_millis(1900) && took < Duration::from_millis(2200),
            "{took:?}"
        );
    }
}
