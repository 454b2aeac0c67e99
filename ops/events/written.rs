//! Bodies that scripts write piece by piece, as those see them who want to know whether they ever end.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

/// Bodies that have begun and that nobody has been told of.
#[derive(Default)]
pub(crate) struct Written(RefCell<Vec<BeingWritten>>);

/// A body is open until this is dropped.
pub(crate) struct Writing(#[expect(dead_code, reason = "it is there to be dropped")] Rc<()>);

/// A body that a script writes.
pub struct BeingWritten(Weak<()>);

impl Written {
    pub(crate) fn begin(&self) -> Writing {
        let open = Rc::new(());
        self.0.borrow_mut().push(BeingWritten(Rc::downgrade(&open)));
        Writing(open)
    }

    pub(crate) fn take(&self) -> Vec<BeingWritten> {
        self.0.take()
    }
}

impl BeingWritten {
    /// Whether somebody still waits for more of it.
    pub fn is_open(&self) -> bool {
        self.0.strong_count() > 0
    }
}
