//! How a call of a loaded worker fails, as its loader reads it: who loads it is its author, and is told why.

use deno_error::JsErrorBox;
use workerd_lite_ops::rpc::Failure;
use workerd_lite_ops::{EventError, FetchError};

use crate::host::thrown::thrown;

/// An error of this class.
pub(super) fn failed(class: &'static str, message: impl Into<String>) -> FetchError {
    FetchError::Loaded(JsErrorBox::new(class, message.into()))
}

/// What is told of a worker that lives no longer.
pub(super) const GONE: &str =
    "the loaded worker is gone: it was put away or stopped, or the event that loaded it has ended";

/// A worker that lives no longer.
pub(super) fn gone() -> FetchError {
    failed("Error", GONE)
}

/// A call of the worker of this name, which was stopped.
pub(super) fn stopped(name: &str, why: &str) -> Failure {
    Failure::new("Error", format!("the loaded worker {name:?} was stopped: {why}"))
}

/// Why an event of the worker of this name has brought no response.
pub(super) fn of(name: &str, error: EventError) -> FetchError {
    match error {
        EventError::Exception { summary, .. } => thrown(summary),
        EventError::Terminated(why) => failed("Error", format!("the loaded worker {name:?} was stopped: {why}")),
        EventError::Shutdown => gone(),
    }
}
