//! The log of a worker: its name, its rate limit, and where tests capture its lines.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use deno_core::OpState;

use crate::account::AgentId;
use crate::trace::Trace;

/// The name under which a script's lines are logged, and the agent whose script it is. The policy's works for each.
#[derive(Debug, Clone)]
pub struct WorkerName(pub String, pub Option<AgentId>);

/// What a line of the log is about: a script, the agent for which it works, and the client's request.
#[derive(Debug)]
pub struct About {
    worker: String,
    agent: Option<AgentId>,
    request_id: Option<Rc<str>>,
}

impl About {
    /// What a line of this script is about, in an event or outside of all.
    pub(crate) fn of(WorkerName(worker, own): &WorkerName, trace: Option<&Rc<Trace>>) -> Self {
        let agent = trace.and_then(|trace| trace.account()).map(|account| account.id());
        Self {
            worker: worker.clone(),
            agent: own.as_ref().or(agent).cloned(),
            request_id: trace.map(|trace| trace.request_id()),
        }
    }

    /// How it is named.
    pub(crate) fn worker(&self) -> &str {
        &self.worker
    }

    /// The agent's name.
    pub(crate) fn agent(&self) -> Option<&str> {
        self.agent.as_ref().map(|agent| &*agent.name)
    }

    /// The agent's tenant.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.agent.as_ref()?.tenant.as_deref()
    }

    /// The request's id.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

thread_local! {
    /// Where this thread's console lines go instead of the log, while a test runs.
    static CAPTURED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Whether this thread's console lines are kept.
pub fn is_captured() -> bool {
    CAPTURED.with_borrow(Option::is_some)
}

/// Keeps this thread's console lines from now on, and gives those that were kept since the last call.
pub fn capture() -> Vec<String> {
    CAPTURED.with_borrow_mut(|lines| lines.replace(Vec::new()).unwrap_or_default())
}

/// Keeps a line of the host's about a worker with the console lines, where these are kept.
pub fn note(line: impl FnOnce() -> String) -> bool {
    CAPTURED
        .with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.push(line())))
        .is_some()
}

/// Tells the owner what went wrong with a worker that has nobody else to tell.
pub(crate) fn complain(about: &About, what: &str) {
    let worker = about.worker();
    if !note(|| format!("[{worker}] {what}")) {
        let (agent, tenant, request_id) = (about.agent(), about.tenant(), about.request_id());
        tracing::error!(target: "worker", worker, agent, tenant, request_id, "{what}");
    }
}

/// Tells of a promise that was rejected, and that nobody handled, while a script's top level ran.
pub fn rejected_at_start(state: &OpState, stack: &str) {
    if is_captured() || state.borrow::<Lines>().take(Instant::now()).is_some() {
        let about = About::of(state.borrow(), None);
        complain(
            &about,
            &format!(
                "a promise was rejected at the top level and nobody handled it: {}",
                author_stack(stack)
            ),
        );
    }
}

/// The longest line that is logged, in bytes.
const LONGEST: usize = 16 << 10;

/// How many lines a script may log: so many each second, in bursts of five seconds'. Clones share one budget.
#[derive(Debug, Clone)]
pub struct Lines(Arc<Mutex<Budget>>);

#[derive(Debug)]
struct Budget {
    each_second: f64,
    /// How many may be logged now.
    left: f64,
    since: Instant,
    dropped: u64,
}

impl Lines {
    /// None was logged yet.
    pub fn new(each_second: u32) -> Self {
        let each_second = f64::from(each_second);
        Self(Arc::new(Mutex::new(Budget {
            each_second,
            left: each_second * 5.0,
            since: Instant::now(),
            dropped: 0,
        })))
    }

    /// Whether a line may be logged, and how many were dropped before it.
    pub fn take(&self, now: Instant) -> Option<u64> {
        self.0.lock().ok()?.take(now)
    }
}

impl Budget {
    fn take(&mut self, now: Instant) -> Option<u64> {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        self.left = (self.left + passed * self.each_second).min(self.each_second * 5.0);
        self.since = now;
        if self.left < 1.0 {
            self.dropped += 1;
            return None;
        }
        self.left -= 1.0;
        Some(std::mem::take(&mut self.dropped))
    }
}

/// The line, cut where it is too long.
pub fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    let start = &text[..text.floor_char_boundary(LONGEST)];
    format!("{start}… ({} bytes more)", text.len() - start.len()).into()
}

/// A stack as its author may read it: their files by their names in the project, without our own frames.
pub fn author_stack(stack: &str) -> String {
    let lines: Vec<String> = stack
        .lines()
        .filter(|line| {
            let frame = line.trim_start();
            // What stands around a CommonJS module is ours, too.
            !(frame.starts_with("at ") && (frame.contains("ext:") || frame.starts_with("at workerdLite")))
        })
        .map(|line| line.replace("file:///", "").replace("?commonjs", ""))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{LONGEST, Lines, author_stack, cut};

    #[test]
    fn floods_are_dropped_and_counted() {
        let lines = Lines::new(10);
        let now = Instant::now();
        assert_eq!((0..80).filter_map(|_| lines.take(now)).count(), 50);
        assert_eq!(lines.take(now + Duration::from_millis(150)), Some(30));
        assert_eq!(lines.take(now + Duration::from_millis(150)), None);
        assert_eq!(lines.take(now + Duration::from_mins(1)), Some(1));
    }

    #[test]
    fn long_lines_are_cut() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"ä".repeat(LONGEST)).into_owned();
        assert!(long.ends_with("… (16384 bytes more)") && long.len() < LONGEST + 50);
    }

    #[test]
    fn a_stack_shows_the_authors_files_only() {
        let stack = "Error: no\n    at f (file:///src/a.js:1:2)\n    at mainFetch (ext:deno_fetch/26_fetch.js:1:1)";
        assert_eq!(author_stack(stack), "Error: no\n    at f (src/a.js:1:2)");
    }
}
