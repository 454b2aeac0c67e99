//! What a script reads of bodies is counted for its event.

use std::cell::Cell;
use std::rc::Rc;

use crate::error::BodyError;
use crate::shares::Holding;

/// Who reads a body, and how much of it there may be.
pub(crate) struct Reading {
    holding: Rc<Holding>,
    limit: Option<u64>,
    read: Cell<u64>,
}

/// What a script makes of a byte that it reads, in bytes of its heap: as text, and as objects of JSON.
const READ: usize = 16;

impl Reading {
    pub(crate) fn new(holding: Rc<Holding>, limit: Option<u64>) -> Self {
        Self {
            holding,
            limit,
            read: Cell::new(0),
        }
    }

    /// Counts what was read, and fails where that is too much.
    pub(crate) fn count(&self, bytes: usize) -> Result<(), BodyError> {
        let read = self.read.get().saturating_add(bytes as u64);
        self.read.set(read);
        if let Some(limit) = self.limit.filter(|limit| read > *limit) {
            return Err(BodyError::TooLarge(limit));
        }
        if self.holding.hold(bytes.saturating_mul(READ)) {
            Ok(())
        } else {
            Err(BodyError::Share)
        }
    }
}
