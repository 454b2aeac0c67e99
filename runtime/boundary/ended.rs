//! The list of events that are over.

use http::{HeaderName, HeaderValue};

/// The field that has it.
pub(super) const ENDED: HeaderName = HeaderName::from_static("wl-ended");

/// As it is written.
pub(super) fn ended(events: &[u32]) -> Option<HeaderValue> {
    let events: Vec<String> = events.iter().map(ToString::to_string).collect();
    HeaderValue::try_from(events.join(",")).ok()
}
