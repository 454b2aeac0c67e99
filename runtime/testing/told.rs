//! What the scripts of a test file say of its tests.

use std::time::Duration;

use serde::Deserialize;

use super::failure::Failure;
use super::outcome::{Outcome, State};
use crate::isolate::modules::Graph;

/// One test, as `js/testing/registry.js` lists it.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) skip: bool,
    pub(super) todo: bool,
    /// Milliseconds.
    pub(super) timeout: Option<f64>,
}

/// What `js/testing/runner.js` says of a test.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    pub(super) failures: Vec<Failure>,
    /// Those of the hooks around it, which a test that is to be done does not forgive.
    pub(super) hooks: Vec<Failure>,
    pub(super) left: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) skipped: Option<String>,
    pub(super) todo: Option<String>,
    pub(super) subtests: Vec<ToldOfSubtest>,
}

/// What it says of a subtest.
#[derive(Debug, Deserialize)]
pub(super) struct ToldOfSubtest {
    pub(super) name: String,
    /// Milliseconds.
    ms: f64,
    pub(super) failures: Vec<Failure>,
    pub(super) notes: Vec<String>,
    pub(super) skipped: Option<String>,
    pub(super) todo: Option<String>,
    pub(super) subtests: Vec<Self>,
}

impl ToldOfSubtest {
    pub(super) fn outcome(self, graph: &Graph) -> Outcome {
        Outcome {
            state: state(&self.failures, self.skipped.is_some(), self.todo.is_some(), graph),
            name: self.name,
            took: Duration::try_from_secs_f64(self.ms / 1000.0).unwrap_or_default(),
            console: Vec::new(),
            notes: self.notes,
            subtests: self.subtests.into_iter().map(|told| told.outcome(graph)).collect(),
        }
    }
}

/// What came of a test.
pub(super) fn state(failures: &[Failure], skipped: bool, todo: bool, graph: &Graph) -> State {
    match (failures, skipped, todo) {
        ([], true, _) => State::Skipped,
        (_, _, true) => State::Todo,
        ([], ..) => State::Passed,
        _ => State::Failed(failures.iter().map(|failure| failure.show(graph)).collect()),
    }
}

/// What came when no test was running.
#[derive(Debug, Default, Deserialize)]
pub(super) struct End {
    pub(super) strays: Vec<Stray>,
}

/// A failure of nothing that was running.
#[derive(Debug, Deserialize)]
pub(super) struct Stray {
    /// The test that had ended by then, where that is known.
    pub(super) test: Option<String>,
    #[serde(flatten)]
    pub(super) failure: Failure,
}
