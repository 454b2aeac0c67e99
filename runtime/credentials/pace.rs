//! Back-off: what was tried without use is tried again later and later.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause.
const FIRST: Duration = Duration::from_secs(1);

/// No pause is longer.
const LONGEST: Duration = Duration::from_mins(1);

/// After so long without a try all is forgotten. It is longer than every pause.
const FORGOTTEN: Duration = Duration::from_mins(10);

/// How often something was tried lately, and when last.
#[derive(Debug, Default)]
pub(super) struct Pace {
    tries: u32,
    last: Option<Instant>,
}

impl Pace {
    /// Whether it may be tried now, where so many tries have no pause after them.
    pub(super) fn allows(&self, free: u32, now: Instant) -> bool {
        let Some(last) = self.last else { return true };
        now.saturating_duration_since(last) >= pause(self.tries.saturating_sub(free))
    }

    /// It is tried.
    pub(super) fn tried(&mut self, now: Instant) {
        if self
            .last
            .is_some_and(|last| now.saturating_duration_since(last) >= FORGOTTEN)
        {
            self.tries = 0;
        }
        self.tries = self.tries.saturating_add(1);
        self.last = Some(now);
    }
}

/// Nothing, then a second, two, four.
fn pause(tries: u32) -> Duration {
    let Some(doublings) = tries.checked_sub(1) else {
        return Duration::ZERO;
    };
    FIRST.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_forgotten() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut pace = Pace::default();
        assert!(pace.allows(0, at(0)));
        pace.tried(at(0));
        assert!(!pace.allows(0, at(0)) && pace.allows(0, at(1)) && pace.allows(1, at(0)));
        pace.tried(at(1));
        assert!(!pace.allows(0, at(2)) && pace.allows(0, at(3)));
        (0..100).for_each(|_| pace.tried(at(3)));
        assert!(!pace.allows(0, at(62)) && pace.allows(0, at(63)));
        pace.tried(at(3 + 600));
        assert!(pace.allows(1, at(3 + 600)));
    }
}
