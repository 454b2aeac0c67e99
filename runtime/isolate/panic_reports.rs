//! How many panics are told of: a script may find one in a library and repeat it, and the log is not its to fill.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// How many reports there are in a minute.
const TOLD: u32 = 5;

/// The minute of the last panic, and how many there were in it.
static MINUTE: AtomicU64 = AtomicU64::new(0);
static PANICS: AtomicU32 = AtomicU32::new(0);

/// What is told of a panic.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Whole,
    /// That no more are told of for a while.
    Last,
    Nothing,
}

/// What is told of one that happens now.
pub(super) fn told() -> Told {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    told_at(now.map_or(0, |now| now.as_secs() / 60))
}

fn told_at(minute: u64) -> Told {
    if MINUTE.swap(minute, Ordering::Relaxed) != minute {
        PANICS.store(0, Ordering::Relaxed);
    }
    match PANICS.fetch_add(1, Ordering::Relaxed) {
        before if before < TOLD => Told::Whole,
        TOLD => Told::Last,
        _ => Told::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_once() {
        let told: Vec<Told> = (0..100).map(|_| told_at(7)).collect();
        assert!(told[..5].iter().all(|told| *told == Told::Whole));
        assert_eq!(told[5], Told::Last);
        assert!(told[6..].iter().all(|told| *told == Told::Nothing));
        assert_eq!(told_at(8), Told::Whole);
    }
}
