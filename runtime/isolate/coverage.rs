//! What of an isolate's scripts has run, as V8 counts it: precise coverage by block, over the inspector's `Profiler`
//! domain (<https://chromedevtools.github.io/devtools-protocol/tot/Profiler/>).

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;

use deno_core::{
    InspectorMsg, InspectorMsgKind, InspectorSessionKind, JsRuntime, JsRuntimeInspector, LocalInspectorSession,
};
use serde::Deserialize;

/// One script of an isolate that is about to end.
#[derive(Debug, Deserialize)]
pub struct ScriptCoverage {
    /// The module's URL.
    pub url: String,
    functions: Vec<FunctionCoverage>,
}

#[derive(Debug, Deserialize)]
struct FunctionCoverage {
    ranges: Vec<Range>,
}

/// A part of a script, in UTF-16 code units, that ran this often except where a range within it says otherwise.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Range {
    /// Its first code unit.
    pub start_offset: u32,
    /// One past its last code unit.
    pub end_offset: u32,
    /// How often it ran.
    pub count: u64,
}

impl ScriptCoverage {
    /// Its ranges: those that contain others first.
    pub fn ranges(&self) -> Vec<Range> {
        let mut ranges: Vec<Range> = self
            .functions
            .iter()
            .flat_map(|function| &function.ranges)
            .copied()
            .collect();
        ranges.sort_by_key(|range| (range.start_offset, std::cmp::Reverse(range.end_offset)));
        ranges
    }
}

/// Takes what isolates tell at their end.
pub trait CoverageSink: Debug + Send + Sync {
    /// One isolate's scripts.
    fn take(&self, scripts: Vec<ScriptCoverage>);
}

#[derive(Deserialize)]
struct Answer {
    result: Taken,
}

#[derive(Deserialize)]
struct Taken {
    result: Vec<ScriptCoverage>,
}

/// An inspector's session that counts.
pub(super) struct Recorder {
    session: LocalInspectorSession,
    taken: Rc<RefCell<Option<String>>>,
}

const TAKE: i32 = 3;

impl Recorder {
    /// Begins to count, before the author's script is compiled.
    pub(super) fn start(runtime: &mut JsRuntime) -> Self {
        runtime.maybe_init_inspector();
        let taken = Rc::new(RefCell::new(None));
        let answers = Rc::clone(&taken);
        let hear = move |message: InspectorMsg| {
            if matches!(message.kind, InspectorMsgKind::Message(TAKE)) {
                *answers.borrow_mut() = Some(message.content);
            }
        };
        let kind = InspectorSessionKind::NonBlocking {
            wait_for_disconnect: false,
        };
        let mut session = JsRuntimeInspector::create_local_session(runtime.inspector(), Box::new(hear), kind);
        session.post_message::<()>(1, "Profiler.enable", None);
        let precisely = serde_json::json!({ "callCount": true, "detailed": true });
        session.post_message(2, "Profiler.startPreciseCoverage", Some(precisely));
        Self { session, taken }
    }

    /// What was counted.
    pub(super) fn take(&mut self) -> Vec<ScriptCoverage> {
        self.session
            .post_message::<()>(TAKE, "Profiler.takePreciseCoverage", None);
        let answer = self.taken.take();
        let answer = answer.and_then(|answer| serde_json::from_str::<Answer>(&answer).ok());
        answer.map(|answer| answer.result.result).unwrap_or_default()
    }
}
