//! Texts that count in an isolate's memory.

use crate::external_memory::Reservation;

/// A text that is counted for as long as it is kept.
#[derive(Debug)]
pub struct Counted {
    text: String,
    _reservation: Reservation,
}

impl Counted {
    pub(super) fn new(text: String, reservation: Reservation) -> Self {
        Self {
            text,
            _reservation: reservation,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}
