//! JUnit's XML, for continuous integration.

use std::io::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Reporter;
use crate::testing::outcome::{FileOutcome, Outcome, State, Totals};

/// Collects files as suites and writes them at the end.
pub struct Junit<W> {
    out: W,
    report: Report,
}

impl<W: Write> Junit<W> {
    /// Writes there.
    pub fn new(out: W) -> Self {
        Self {
            out,
            report: Report::new("workerd-lite"),
        }
    }
}

impl<W: Write> Reporter for Junit<W> {
    fn file(&mut self, file: &FileOutcome) {
        let mut suite = TestSuite::new(file.file.as_str());
        if let Some(error) = &file.error {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(error.as_str());
            suite.add_test_case(TestCase::new(file.file.as_str(), status));
        }
        for test in &file.tests {
            add(&mut suite, &file.file, &test.name, test);
        }
        self.report.add_test_suite(suite);
    }

    fn end(&mut self, _totals: &Totals) {
        let _ = self.report.serialize(&mut self.out);
        let _ = self.out.flush();
    }
}

/// A test, and its subtests by the names of both: JUnit's suites have no cases within cases.
fn add(suite: &mut TestSuite, file: &str, name: &str, test: &Outcome) {
    for subtest in &test.subtests {
        add(suite, file, &format!("{name} > {}", subtest.name), subtest);
    }
    let status = match &test.state {
        State::Passed => TestCaseStatus::success(),
        State::Skipped | State::Todo => TestCaseStatus::skipped(),
        State::Failed(failures) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(failures.join("\n"));
            status
        }
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(file).set_time(test.took);
    if !test.console.is_empty() {
        case.set_system_out(test.console.join("\n"));
    }
    suite.add_test_case(case);
}
