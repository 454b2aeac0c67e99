//! For people.

use std::io::Write;
use std::time::{Duration, Instant};

use super::palette::Palette;
use super::{Reporter, indented};
use crate::testing::outcome::{FileOutcome, Outcome, State, Totals};

/// Names, durations, failures with their code frames, and console lines under their test.
pub struct Pretty<W> {
    out: W,
    palette: Palette,
    began: Instant,
    failed: Vec<String>,
}

impl<W: Write> Pretty<W> {
    /// The run begins now.
    pub fn new(out: W, palette: Palette) -> Self {
        Self {
            out,
            palette,
            began: Instant::now(),
            failed: Vec::new(),
        }
    }

    /// The names of what failed, innermost: a test whose subtest failed says nothing more.
    fn remember(&mut self, name: &str, test: &Outcome) {
        let before = self.failed.len();
        for subtest in &test.subtests {
            self.remember(&format!("{name} > {}", subtest.name), subtest);
        }
        if matches!(test.state, State::Failed(_)) && self.failed.len() == before {
            self.failed.push(name.to_owned());
        }
    }

    /// Tests and their subtests, which are further to the right.
    fn tests(&mut self, tests: &[Outcome], by: usize) {
        for test in tests {
            let palette = self.palette;
            let head = match test.state {
                State::Passed => format!("{} {}", palette.good("\u{2713}"), test.name),
                State::Failed(_) => palette.bad(&format!("\u{2717} {}", test.name)),
                State::Skipped => palette.apart(&format!("- {}", test.name)),
                State::Todo => palette.apart(&format!("? {}", test.name)),
            };
            let line = format!("{head}{}", palette.faint(&duration(&test.state, test.took)));
            let _ = writeln!(self.out, "{}", indented(&line, by));
            self.tests(&test.subtests, by + 2);
            if let State::Failed(failures) = &test.state {
                for failure in failures {
                    let _ = writeln!(self.out, "{}", indented(&palette.failure(failure), by + 4));
                }
            }
            for line in test.notes.iter().chain(&test.console) {
                let _ = writeln!(self.out, "{}", indented(&palette.faint(line), by + 2));
            }
        }
    }
}

impl<W: Write> Reporter for Pretty<W> {
    fn file(&mut self, file: &FileOutcome) {
        let _ = writeln!(self.out, "{}", self.palette.title(&file.file));
        if let Some(error) = &file.error {
            let _ = writeln!(self.out, "{}", indented(&self.palette.failure(error), 2));
        }
        if file.error.is_some() {
            self.failed.push(file.file.clone());
        }
        for test in &file.tests {
            self.remember(&format!("{} > {}", file.file, test.name), test);
        }
        self.tests(&file.tests, 2);
        let _ = self.out.flush();
    }

    fn coverage(&mut self, table: &str) {
        let (head, rows) = table.trim_end().split_once('\n').unwrap_or((table, ""));
        let _ = writeln!(self.out, "\n{}\n{rows}", self.palette.title(head));
    }

    fn end(&mut self, totals: &Totals) {
        let palette = self.palette;
        let failed = format!("{} failed", totals.failed);
        let failed = if totals.failed > 0 {
            palette.bad(&failed)
        } else {
            failed
        };
        let mut line = format!("{}, {failed}", palette.good(&format!("{} passed", totals.passed)));
        for (count, word) in [(totals.skipped, "skipped"), (totals.todo, "todo")] {
            if count > 0 {
                line = format!("{line}, {}", palette.apart(&format!("{count} {word}")));
            }
        }
        if !self.failed.is_empty() {
            let _ = writeln!(self.out, "\n{}", palette.bad("failed:"));
            for name in &self.failed {
                let _ = writeln!(self.out, "  {}", palette.bad(&format!("\u{2717} {name}")));
            }
        }
        let tests = totals.passed + totals.failed + totals.skipped + totals.todo;
        let s = if tests == 1 { "" } else { "s" };
        let took = self.began.elapsed().as_secs_f64();
        let _ = writeln!(self.out, "\n{tests} test{s} in {took:.1} s\n{line}");
        let _ = self.out.flush();
    }
}

fn duration(state: &State, took: Duration) -> String {
    match state {
        State::Skipped => " (skipped)".into(),
        State::Todo => " (todo)".into(),
        _ => format!(" ({} ms)", took.as_millis()),
    }
}
