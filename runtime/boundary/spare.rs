//! A process that is nobody's yet: confined, with V8 and random numbers ready, and told nothing. Whoever needs a process has this one at once.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::spawn::Spawned;

/// How long after one was taken the next is started: whoever took it has its processors meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// How long after one could not be started.
const FAILED: Duration = Duration::from_secs(10);

/// The process, or when it is to be started.
#[derive(Default)]
pub(super) struct Spare {
    ready: Option<Spawned>,
    due: Option<Instant>,
}

impl Spare {
    /// There is to be one.
    pub(super) fn want(&mut self) {
        if self.ready.is_none() && self.due.is_none() {
            self.due = Some(Instant::now());
        }
    }

    /// Ready when one is to be started.
    pub(super) async fn is_due(&self) {
        match self.due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Starts it. Where that fails, whoever needs a process hears of it.
    pub(super) fn fill(&mut self, start: impl FnOnce() -> io::Result<Spawned>) {
        match start() {
            Ok(spawned) => (self.ready, self.due) = (Some(spawned), None),
            Err(_) => self.due = Some(Instant::now() + FAILED),
        }
    }

    /// Takes it, and has another one started. Nothing where there is none, or it has ended.
    pub(super) fn take(&mut self) -> Option<Spawned> {
        self.due = Some(Instant::now() + PAUSE);
        let mut spawned = self.ready.take()?;
        match spawned.process.try_wait() {
            Ok(None) => Some(spawned),
            // What it could not do, the next one tells.
            Ok(Some(_)) | Err(_) => None,
        }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        if let Some(mut spare) = self.ready.take() {
            // It does nothing, and has nothing that could be lost.
            let _ = spare.process.kill();
            let _ = spare.process.wait();
        }
    }
}
