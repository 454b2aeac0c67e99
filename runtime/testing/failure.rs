//! A failure as its author reads it: the message, and the failing line of their own source.

use serde::Deserialize;

use crate::isolate::frame;
use crate::isolate::modules::Graph;

/// What `js/testing/runner.js` says of a failure.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    summary: String,
    #[serde(default)]
    stack: String,
    #[serde(default)]
    cause: Option<String>,
}

impl Failure {
    /// The text, with a code frame where the stack names a file of the test.
    pub(super) fn show(&self, graph: &Graph) -> String {
        let mut message = self.summary.clone();
        if let Some(cause) = &self.cause {
            message.push_str("\ncaused by: ");
            message.push_str(cause);
        }
        match frame(&self.stack, graph) {
            Some(frame) => format!("{}\n{frame}\n", message.trim_end()),
            None => format!("{}\n", message.trim_end()),
        }
    }
}
