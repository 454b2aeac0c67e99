//! A worker that does not start is left alone for a while, and for longer each time: whoever asks for it meanwhile is told so at
//! once, and its neighbours hear nothing of it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long after the first failure, and at most.
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_mins(1);

/// How a worker's starts went, on all threads.
#[derive(Debug, Default)]
pub(crate) struct Backoff(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// Whether it is left alone now.
    pub(super) fn waits(&self) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.until.is_some_and(|until| Instant::now() < until)
    }

    /// It did not start.
    pub(super) fn failed(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let time = FIRST.saturating_mul(1 << state.failures.min(6)).min(MOST);
        state.failures = state.failures.saturating_add(1);
        state.until = Some(Instant::now() + time);
    }

    /// It started.
    pub(super) fn started(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_left_alone_for_longer_each_time() {
        let backoff = Backoff::default();
        assert!(!backoff.waits());
        let left = || {
            let state = backoff.0.lock().unwrap();
            state
                .until
                .unwrap()
                .saturating_duration_since(Instant::now())
                .as_secs_f64()
                .round()
        };
        let times: Vec<f64> = (0..9)
            .map(|_| {
                backoff.failed();
                left()
            })
            .collect();
        assert_eq!(times, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]);
        assert!(backoff.waits());
        backoff.started();
        assert!(!backoff.waits());
    }
}
