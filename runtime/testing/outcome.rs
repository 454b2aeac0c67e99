//! What came of tests.

use std::time::Duration;

/// What came of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It passed.
    Passed,
    /// It failed. Each failure as its author reads it.
    Failed(Vec<String>),
    /// It was not run.
    Skipped,
    /// It is not finished, and may fail.
    Todo,
}

/// One test.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its name, after those of its suites.
    pub name: String,
    /// What came of it.
    pub state: State,
    /// How long it took.
    pub took: Duration,
    /// Console lines of the test, the agents and the policy.
    pub console: Vec<String>,
    /// What it said by `t.diagnostic()`, and what it left open.
    pub notes: Vec<String>,
    /// Its subtests. Where one fails, the test does.
    pub subtests: Vec<Self>,
}

impl Outcome {
    fn change_texts(&mut self, change: &impl Fn(&str) -> String) {
        let failures: &mut [String] = match &mut self.state {
            State::Failed(failures) => failures,
            _ => &mut [],
        };
        let texts = failures.iter_mut().chain(&mut self.console).chain(&mut self.notes);
        for text in texts.chain([&mut self.name]) {
            *text = change(text);
        }
        for subtest in &mut self.subtests {
            subtest.change_texts(change);
        }
    }

    pub(super) fn skipped(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: State::Skipped,
            took: Duration::ZERO,
            console: Vec::new(),
            notes: Vec::new(),
            subtests: Vec::new(),
        }
    }
}

/// One file.
#[derive(Debug, Clone)]
pub struct FileOutcome {
    /// Its path.
    pub file: String,
    /// Its tests.
    pub tests: Vec<Outcome>,
    /// How many tests it has, those that were not wanted too.
    pub listed: usize,
    /// Why it could not be run at all, or what came of it when none of its tests was running.
    pub error: Option<String>,
}

impl FileOutcome {
    /// Changes all that is told.
    pub(super) fn change_texts(&mut self, change: &impl Fn(&str) -> String) {
        if let Some(error) = &mut self.error {
            *error = change(error);
        }
        for test in &mut self.tests {
            test.change_texts(change);
        }
    }

    /// Whether something in it failed.
    pub fn failed(&self) -> bool {
        self.error.is_some() || self.tests.iter().any(|test| matches!(test.state, State::Failed(_)))
    }
}

/// The sums of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed, and files that could not be run.
    pub failed: usize,
    /// Tests that were not run.
    pub skipped: usize,
    /// Tests that are not finished.
    pub todo: usize,
}

impl Totals {
    pub(super) fn add(&mut self, file: &FileOutcome) {
        self.failed += usize::from(file.error.is_some());
        self.add_all(&file.tests);
    }

    fn add_all(&mut self, tests: &[Outcome]) {
        for test in tests {
            self.add_all(&test.subtests);
            *match test.state {
                State::Passed => &mut self.passed,
                State::Failed(_) => &mut self.failed,
                State::Skipped => &mut self.skipped,
                State::Todo => &mut self.todo,
            } += 1;
        }
    }
}
