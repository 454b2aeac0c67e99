//! How long a process of agents may read what one of them has loaded. Nothing ends a parser but the end of its process, which is its agents' own.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::limits::{Culprit, ThreadClock, ends_its_process};

/// How often its clock is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The calling thread reads until this is dropped.
pub(super) struct Patience {
    /// Its other end hears of the drop.
    _reads: mpsc::Sender<()>,
}

impl Patience {
    /// Where it reads for longer than `allowed`, in processor time, this one's process is to be ended.
    pub(super) fn with(whom: Culprit, allowed: Duration) -> Self {
        let (reads, over) = mpsc::channel();
        let clock = ThreadClock::of_this_thread();
        let watching = std::thread::Builder::new().name("patience".into()).spawn(move || {
            while matches!(over.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout)) {
                if clock.now().is_some_and(|now| now > allowed) {
                    ends_its_process(&whom);
                    return;
                }
            }
        });
        if let Err(error) = watching {
            tracing::warn!("no thread can be had to watch what is read: {error}");
        }
        Self { _reads: reads }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::limits::{Hang, hangs};

    #[test]
    fn only_what_reads_for_too_long_is_told() {
        let told = |mine: &Culprit, allowed: Duration, reads: Duration| {
            let mut heard = hangs();
            let patience = Patience::with(mine.clone(), allowed);
            let began = Instant::now();
            while began.elapsed() < reads {}
            drop(patience);
            std::thread::sleep(LOOK * 2);
            std::iter::from_fn(|| heard.try_recv().ok())
                .any(|hang| matches!(hang, Hang::TooMuch(whom) if whom == *mine))
        };
        let worker = |name: &str| Culprit::Owner(name.into(), None);
        assert!(!told(&worker("short"), Duration::from_mins(1), LOOK * 3));
        assert!(told(&worker("long"), Duration::ZERO, LOOK * 5));
    }
}
