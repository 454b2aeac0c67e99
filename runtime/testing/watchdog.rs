//! Tests that never give their thread back. A timer cannot end them, so the run ends with a word about them.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long after its limit a test is given up: a loop is stopped when it has taken its time of the processor, which may be busy.
const GRACE: Duration = Duration::from_secs(10);

/// What runs on each thread.
#[derive(Debug, Default)]
pub(super) struct Watchdog(Mutex<Vec<Running>>);

#[derive(Debug)]
struct Running {
    name: String,
    until: Instant,
}

/// A test, or a file's top level, is watched until this is dropped.
pub(super) struct Watched<'a> {
    dog: &'a Watchdog,
    name: String,
}

impl Watchdog {
    pub(super) fn watch(&self, name: String, limit: Duration) -> Watched<'_> {
        let running = Running {
            name: name.clone(),
            until: Instant::now() + limit + GRACE,
        };
        if let Ok(mut all) = self.0.lock() {
            all.push(running);
        }
        Watched { dog: self, name }
    }

    /// One that is overdue.
    pub(super) fn overdue(&self) -> Option<String> {
        let all = self.0.lock().ok()?;
        let now = Instant::now();
        all.iter()
            .find(|running| running.until < now)
            .map(|running| running.name.clone())
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if let Ok(mut all) = self.dog.0.lock() {
            if let Some(index) = all.iter().position(|running| running.name == self.name) {
                all.swap_remove(index);
            }
        }
    }
}
