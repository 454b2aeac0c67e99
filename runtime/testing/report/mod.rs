//! What a run says, in each form.

mod json;
mod junit;
mod palette;
mod pretty;
mod tap;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::outcome::{FileOutcome, Totals};
use super::watchdog::Watchdog;
pub use json::Json;
pub use junit::Junit;
pub use palette::Palette;
pub use pretty::Pretty;
pub use tap::Tap;

/// Hears of files in their order, and of the end.
pub trait Reporter {
    /// One file has ended.
    fn file(&mut self, file: &FileOutcome);
    /// How much of agents and policy has run, as a table. Machines read lcov.
    fn coverage(&mut self, _table: &str) {}
    /// The run has ended.
    fn end(&mut self, totals: &Totals);
}

/// Files end in any order, and are told in theirs.
/// Gives the name of a test that hangs, once there is one.
pub(super) fn in_order(
    outcomes: &Receiver<(usize, FileOutcome)>,
    reporter: &mut dyn Reporter,
    watchdog: &Watchdog,
) -> Result<Totals, String> {
    let mut totals = Totals::default();
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    loop {
        let (index, outcome) = match outcomes.recv_timeout(Duration::from_millis(200)) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => match watchdog.overdue() {
                Some(name) => return Err(name),
                None => continue,
            },
        };
        waiting.insert(index, outcome);
        while let Some(outcome) = waiting.remove(&next) {
            totals.add(&outcome);
            if outcome.error.is_none() && outcome.listed == 0 {
                tracing::warn!("{} has no tests: it calls no test(), and exports none", outcome.file);
            }
            // A name filter may leave nothing of a file.
            if outcome.error.is_some() || !outcome.tests.is_empty() {
                reporter.file(&outcome);
            }
            next += 1;
        }
    }
    // What a stopped run left out.
    for outcome in waiting.into_values() {
        totals.add(&outcome);
        reporter.file(&outcome);
    }
    Ok(totals)
}

/// Each line moved to the right.
fn indented(text: &str, by: usize) -> String {
    let space = " ".repeat(by);
    let lines: Vec<String> = text
        .trim_end()
        .lines()
        .map(|line| {
            if line.is_empty() {
                String::new()
            } else {
                format!("{space}{line}")
            }
        })
        .collect();
    lines.join("\n")
}
