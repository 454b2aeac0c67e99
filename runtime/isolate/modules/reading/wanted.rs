//! Whether somebody waits for what is read on this thread.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

thread_local! {
    static HERE: RefCell<Option<Weak<()>>> = const { RefCell::new(None) };
}

/// Whoever has it waits.
#[derive(Default)]
pub(super) struct Waits(Arc<()>);

impl Waits {
    /// Works for whom that tells of, as long as it lives.
    pub(super) fn during<T>(told: Weak<()>, work: impl FnOnce() -> T) -> T {
        HERE.replace(Some(told));
        let done = work();
        HERE.replace(None);
        done
    }

    pub(super) fn told(&self) -> Weak<()> {
        Arc::downgrade(&self.0)
    }
}

/// Whether somebody waits; where nobody said who, somebody does.
pub(super) fn is_wanted() -> bool {
    HERE.with_borrow(|here| here.as_ref().is_none_or(|told| told.strong_count() > 0))
}
