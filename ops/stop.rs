//! The order to an isolate to end what it runs. V8 ends a script where that looks next, and says that it is terminating from
//! then on only: a native function that computes for long would never hear of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deno_core::v8;

/// The order to one isolate, which keeps it in a slot. It is given from any thread, and never taken back.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Gives the order.
    pub fn order(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was given.
    pub fn is_ordered(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether an isolate is to end what it runs.
pub(crate) fn is_ordered(isolate: &v8::Isolate) -> bool {
    isolate.get_slot::<Stop>().is_some_and(Stop::is_ordered)
}

/// The order to an isolate, for what computes for it.
pub(crate) fn of(isolate: &v8::Isolate) -> Option<Stop> {
    isolate.get_slot::<Stop>().cloned()
}
