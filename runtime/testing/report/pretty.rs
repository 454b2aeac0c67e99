//! For people.

use std::io::Write;
use std::time::Duration;

use super::{Reporter, indented};
use crate::testing::outcome::{FileOutcome, State, Totals};

/// Names, durations, failures with their code frames, and console lines under their test.
pub struct Pretty<W>(pub W);

impl<W: Write> Reporter for Pretty<W> {
    fn file(&mut self, file: &FileOutcome) {
        let _ = writeln!(self.0, "{}", file.file);
        if let Some(error) = &file.error {
            let _ = writeln!(self.0, "{}", indented(error, 2));
        }
        for test in &file.tests {
            let mark = match test.state {
                State::Passed => "\u{2713}",
                State::Failed(_) => "\u{2717}",
                State::Skipped => "-",
                State::Todo => "?",
            };
            let _ = writeln!(self.0, "  {mark} {}{}", test.name, duration(&test.state, test.took));
            if let State::Failed(failures) = &test.state {
                for failure in failures {
                    let _ = writeln!(self.0, "{}", indented(failure, 6));
                }
            }
            for line in test.notes.iter().chain(&test.console) {
                let _ = writeln!(self.0, "{}", indented(line, 4));
            }
        }
        let _ = self.0.flush();
    }

    fn coverage(&mut self, table: &str) {
        let _ = writeln!(self.0, "\n{}", table.trim_end());
    }

    fn end(&mut self, totals: &Totals) {
        let mut line = format!("{} passed, {} failed", totals.passed, totals.failed);
        for (count, word) in [(totals.skipped, "skipped"), (totals.todo, "todo")] {
            if count > 0 {
                line = format!("{line}, {count} {word}");
            }
        }
        let _ = writeln!(self.0, "\n{line}");
    }
}

fn duration(state: &State, took: Duration) -> String {
    match state {
        State::Skipped => " (skipped)".into(),
        State::Todo => " (todo)".into(),
        _ => format!(" ({} ms)", took.as_millis()),
    }
}
