//! The Test Anything Protocol, version 14: <https://testanything.org/tap-version-14-specification.html>.

use std::io::Write;

use super::{Reporter, indented};
use crate::testing::outcome::{FileOutcome, Outcome, State, Totals};

/// One line a test, with failures as YAML.
pub struct Tap<W> {
    out: W,
    count: usize,
    /// How far subtests are to the right.
    by: usize,
}

impl<W: Write> Tap<W> {
    /// Begins the stream.
    pub fn new(mut out: W) -> Self {
        let _ = writeln!(out, "TAP version 14");
        Self { out, count: 0, by: 0 }
    }

    fn point(&mut self, good: bool, name: &str, directive: &str) {
        self.count += 1;
        let state = if good { "ok" } else { "not ok" };
        let name = name.replace('\\', "\\\\").replace('#', "\\#").replace('\n', " ");
        let line = format!("{state} {} - {name}{directive}", self.count);
        let _ = writeln!(self.out, "{}", indented(&line, self.by));
    }

    fn details(&mut self, text: &str) {
        let details = format!("---\nmessage: |\n{}\n...", indented(text, 2));
        let _ = writeln!(self.out, "{}", indented(&details, self.by + 2));
    }
}

impl<W: Write> Tap<W> {
    fn test(&mut self, name: &str, test: &Outcome) {
        if !test.subtests.is_empty() {
            // A stream of its own, before the test's point.
            let (count, by) = (std::mem::take(&mut self.count), self.by);
            let _ = writeln!(
                self.out,
                "{}",
                indented(&format!("# Subtest: {}", name.replace('\n', " ")), by)
            );
            self.by += 4;
            for subtest in &test.subtests {
                self.test(&subtest.name, subtest);
            }
            let plan = format!("1..{}", self.count);
            let _ = writeln!(self.out, "{}", indented(&plan, self.by));
            (self.count, self.by) = (count, by);
        }
        match &test.state {
            State::Passed => self.point(true, name, ""),
            State::Skipped => self.point(true, name, " # SKIP"),
            State::Todo => self.point(false, name, " # TODO"),
            State::Failed(failures) => {
                self.point(false, name, "");
                self.details(&failures.join("\n"));
            }
        }
    }
}

impl<W: Write> Reporter for Tap<W> {
    fn file(&mut self, file: &FileOutcome) {
        if let Some(error) = &file.error {
            self.point(false, &file.file, "");
            self.details(error);
        }
        for test in &file.tests {
            self.test(&format!("{} > {}", file.file, test.name), test);
        }
    }

    fn end(&mut self, totals: &Totals) {
        let count = self.count;
        let _ = writeln!(
            self.out,
            "1..{count}\n# {} passed, {} failed",
            totals.passed, totals.failed
        );
        let _ = self.out.flush();
    }
}
