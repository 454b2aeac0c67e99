//! A writer that remembers what failed of it: a report that nobody can read must not end in success.

use std::cell::RefCell;
use std::io::{Error, Result, Write};
use std::rc::Rc;

/// Writes through, up to the first failure.
pub(super) struct Noted<W> {
    out: W,
    failure: Failure,
}

/// What failed first.
#[derive(Clone, Default)]
pub(super) struct Failure(Rc<RefCell<Option<Error>>>);

impl<W: Write> Noted<W> {
    pub(super) fn new(out: W) -> (Self, Failure) {
        let failure = Failure::default();
        let noted = Self {
            out,
            failure: failure.clone(),
        };
        (noted, failure)
    }

    fn note<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            self.failure.0.borrow_mut().get_or_insert(error);
            kind.into()
        })
    }
}

impl Failure {
    /// What failed, and nothing where all was written.
    pub(super) fn failure(&self) -> Option<Error> {
        self.0.borrow_mut().take()
    }
}

impl<W: Write> Write for Noted<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.out.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> Result<()> {
        let flushed = self.out.flush();
        self.note(flushed)
    }
}
