//! Who else reads a script's console lines than the log does.

use std::sync::Arc;

use crate::trace::Trace;

/// One line of a script's console, or what the host says of the script.
#[derive(Debug)]
pub struct ConsoleLine<'a> {
    /// The script's name.
    pub worker: &'a str,
    /// The Console standard's: 0 debug, 1 log, 2 warn, 3 error, 4 trace.
    pub level: i32,
    /// The line, which may have several of its own.
    pub text: &'a str,
    /// The event that wrote it, where one did.
    pub trace: Option<&'a Trace>,
}

/// Is told each line that is logged.
#[derive(Clone)]
pub struct ConsoleTap(Arc<dyn Fn(&ConsoleLine<'_>) + Send + Sync>);

impl std::fmt::Debug for ConsoleTap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConsoleTap")
    }
}

impl ConsoleTap {
    /// Tells lines to this function.
    pub fn new(tell: impl Fn(&ConsoleLine<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Tells a line.
    pub fn tell(&self, line: &ConsoleLine<'_>) {
        (self.0)(line);
    }
}
