//! JUnit's XML, for continuous integration.

use std::io::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Reporter;
use crate::testing::outcome::{FileOutcome, State, Totals};

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
            let status = match &test.state {
                State::Passed => TestCaseStatus::success(),
                State::Skipped | State::Todo => TestCaseStatus::skipped(),
                State::Failed(failures) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(failures.join("\n"));
                    status
                }
            };
            let mut case = TestCase::new(test.name.as_str(), status);
            case.set_classname(file.file.as_str()).set_time(test.took);
            if !test.console.is_empty() {
                case.set_system_out(test.console.join("\n"));
            }
            suite.add_test_case(case);
        }
        self.report.add_test_suite(suite);
    }

    fn end(&mut self, _totals: &Totals) {
        let _ = self.report.serialize(&mut self.out);
    }
}
