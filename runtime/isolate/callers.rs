//! Who may call a cell, in the order that its events count them. More may join while it runs.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use deno_core::v8;
use workerd_lite_ops::CallerId;

use super::worker::Caller;

/// The callers of one cell, and of those that come in its place.
#[derive(Debug, Clone, Default)]
pub struct Callers(Rc<RefCell<Vec<Caller>>>);

impl From<Vec<Caller>> for Callers {
    fn from(callers: Vec<Caller>) -> Self {
        Self(Rc::new(RefCell::new(callers)))
    }
}

impl Callers {
    /// One more. Gives how events name it.
    pub(crate) fn add(&self, caller: Caller) -> CallerId {
        let mut callers = self.0.borrow_mut();
        callers.push(caller);
        CallerId::try_from(callers.len() - 1).unwrap_or(CallerId::MAX)
    }

    /// Those behind the first ones.
    pub(super) fn behind(&self, first: usize) -> Vec<Caller> {
        self.0.borrow().get(first..).map(<[Caller]>::to_vec).unwrap_or_default()
    }
}

/// How callers join a worker that runs.
pub(super) struct Joining {
    /// `addCallers` of `js/worker/boot.js`.
    pub(super) function: v8::Global<v8::Function>,
    pub(super) callers: Callers,
    /// How many the script knows.
    pub(super) known: Cell<usize>,
}

impl Joining {
    /// Those that join with this caller's first event.
    pub(super) fn with(&self, caller: CallerId) -> Option<Vec<Caller>> {
        let known = self.known.get();
        if usize::try_from(caller).is_ok_and(|caller| caller < known) {
            return None;
        }
        let more = self.callers.behind(known);
        self.known.set(known + more.len());
        (!more.is_empty()).then_some(more)
    }
}
