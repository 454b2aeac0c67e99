//! One object for a run, for programs.

use std::io::Write;

use serde_json::{Value, json};

use super::Reporter;
use crate::testing::outcome::{FileOutcome, Outcome, State, Totals};

/// Collects files and writes them at the end. Durations are milliseconds.
pub struct Json<W> {
    out: W,
    files: Vec<Value>,
}

impl<W: Write> Json<W> {
    /// Writes there.
    pub fn new(out: W) -> Self {
        Self { out, files: Vec::new() }
    }
}

impl<W: Write> Reporter for Json<W> {
    fn file(&mut self, file: &FileOutcome) {
        self.files
            .push(json!({ "file": file.file, "error": file.error, "tests": tests(&file.tests) }));
    }

    fn end(&mut self, totals: &Totals) {
        let Totals {
            passed,
            failed,
            skipped,
            todo,
        } = totals;
        let run = json!({ "passed": passed, "failed": failed, "skipped": skipped, "todo": todo, "files": self.files });
        let _ = writeln!(self.out, "{run:#}");
        let _ = self.out.flush();
    }
}

fn tests(outcomes: &[Outcome]) -> Vec<Value> {
    outcomes.iter().map(test).collect()
}

fn test(test: &Outcome) -> Value {
    let (state, failures) = match &test.state {
        State::Passed => ("passed", None),
        State::Skipped => ("skipped", None),
        State::Todo => ("todo", None),
        State::Failed(failures) => ("failed", Some(failures)),
    };
    json!({
        "name": test.name, "state": state, "ms": test.took.as_secs_f64() * 1000.0,
        "failures": failures, "console": test.console, "notes": test.notes, "subtests": tests(&test.subtests),
    })
}
