//! What a debugger may attach to: every isolate of a process that is inspected, by its name.

use std::fmt;
use std::sync::{Arc, Mutex};

use deno_core::futures::channel::mpsc::UnboundedSender;
use deno_core::{InspectorSessionProxy, JsRuntime};

/// An isolate that a debugger may attach to.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in URLs.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Its main module.
    pub url: String,
    /// Takes sessions, from any thread.
    pub sessions: UnboundedSender<InspectorSessionProxy>,
}

type Hear = dyn Fn(&Target) + Send + Sync;

/// The isolates of this process.
pub struct Inspection {
    targets: Mutex<Vec<Target>>,
    breaks: bool,
    on_target: Box<Hear>,
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection").finish_non_exhaustive()
    }
}

impl Inspection {
    /// `breaks` lets each script wait for a debugger, and stop before its first statement. `on_target` hears of each
    /// new isolate.
    pub fn new(breaks: bool, on_target: impl Fn(&Target) + Send + Sync + 'static) -> Self {
        Self {
            targets: Mutex::default(),
            breaks,
            on_target: Box::new(on_target),
        }
    }

    /// The isolates that live now.
    pub fn targets(&self) -> Vec<Target> {
        self.targets.lock().map(|targets| targets.clone()).unwrap_or_default()
    }

    /// Adds an isolate, before its script is evaluated. It is listed until what this gives is dropped.
    pub(super) fn add(self: &Arc<Self>, runtime: &mut JsRuntime, title: String, url: String) -> Listed {
        runtime.maybe_init_inspector();
        let target = Target {
            id: uuid::Uuid::new_v4().to_string(),
            title,
            url,
            sessions: runtime.inspector().get_session_sender(),
        };
        let id = target.id.clone();
        (self.on_target)(&target);
        if let Ok(mut targets) = self.targets.lock() {
            targets.push(target);
        }
        Listed {
            inspection: Arc::clone(self),
            id,
        }
    }

    /// Waits for a debugger, where that is wanted. It blocks the thread.
    pub(super) fn wait(&self, runtime: &mut JsRuntime, title: &str) {
        if self.breaks {
            tracing::info!("{title} waits for a debugger before its first statement");
            runtime.inspector().wait_for_session_and_break_on_next_statement();
        }
    }
}

/// An isolate's place among the targets.
pub(super) struct Listed {
    inspection: Arc<Inspection>,
    id: String,
}

impl Drop for Listed {
    fn drop(&mut self) {
        if let Ok(mut targets) = self.inspection.targets.lock() {
            targets.retain(|target| target.id != self.id);
        }
    }
}
