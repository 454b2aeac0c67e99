//! Why a call over a link brought no response.

use deno_error::JsErrorBox;
use workerd_lite_ops::{EventError, FetchError};

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An event brought none.
    Event(EventError),
    /// A request on its way out brought none, and what its script is told.
    Fetch(String),
}

impl Failure {
    /// What the script is told that made the request.
    pub(crate) fn of_fetch(self) -> FetchError {
        match self {
            Self::Fetch(text) => FetchError::Loaded(JsErrorBox::type_error(text)),
            Self::Event(_) => FetchError::OutboundWorker,
        }
    }

    /// Why an event brought no response.
    pub(crate) fn of_event(self) -> EventError {
        match self {
            Self::Event(error) => error,
            Self::Fetch(_) => EventError::Shutdown,
        }
    }
}
