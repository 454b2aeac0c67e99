//! The Test Anything Protocol, version 14: <https://testanything.org/tap-version-14-specification.html>.

use std::io::Write;

use super::{Reporter, indented};
use crate::testing::outcome::{FileOutcome, State, Totals};

/// One line a test, with failures as YAML.
pub struct Tap<W> {
    out: W,
    count: usize,
}

impl<W: Write> Tap<W> {
    /// Begins the stream.
    pub fn new(mut out: W) -> Self {
        let _ = writeln!(out, "TAP version 14");
        Self { out, count: 0 }
    }

    fn point(&mut self, good: bool, name: &str, directive: &str) {
        self.count += 1;
        let state = if good { "ok" } else { "not ok" };
        let name = name.replace('\\', "\\\\").replace('#', "\\#").replace('\n', " ");
        let _ = writeln!(self.out, "{state} {} - {name}{directive}", self.count);
    }

    fn details(&mut self, text: &str) {
        let _ = writeln!(self.out, "  ---\n  message: |\n{}\n  ...", indented(text, 4));
    }
}

impl<W: Write> Reporter for Tap<W> {
    fn file(&mut self, file: &FileOutcome) {
        if let Some(error) = &file.error {
            self.point(false, &file.file, "");
            self.details(error);
        }
        for test in &file.tests {
            let name = format!("{} > {}", file.file, test.name);
            match &test.state {
                State::Passed => self.point(true, &name, ""),
                State::Skipped => self.point(true, &name, " # SKIP"),
                State::Todo => self.point(false, &name, " # TODO"),
                State::Failed(failures) => {
                    self.point(false, &name, "");
                    self.details(&failures.join("\n"));
                }
            }
        }
    }

    fn end(&mut self, totals: &Totals) {
        let count = self.count;
        let _ = writeln!(
            self.out,
            "1..{count}\n# {} passed, {} failed",
            totals.passed, totals.failed
        );
    }
}
