//! Computations that take long look again and again whether their event's time is over.

use std::fmt;

use deno_core::v8;

use crate::stop;

/// The event's time is over, and V8 ends its script.
#[derive(Debug)]
pub(super) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the computation was stopped")
    }
}

/// Whether the script that called is to end.
pub(super) type Look<'a> = &'a mut dyn FnMut() -> Result<(), Stopped>;

/// Whether the script is to end.
pub(super) fn look(scope: &v8::PinScope<'_, '_>) -> Result<(), Stopped> {
    if stop::is_ordered(scope) { Err(Stopped) } else { Ok(()) }
}
