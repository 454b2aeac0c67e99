//! Threads that do not come back. An isolate that was stopped runs on where it is in a loop of V8's own that looks at no
//! word. Nothing ends it but its process: others take over what its thread has to do, and what it has in hand waits for it,
//! or is given up.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use tokio::sync::{broadcast, watch};
use workerd_lite_ops::Termination;

use super::culprit::Culprit;
use super::priority;

/// CPU time after the stop that makes a thread late. What V8 does look at ends in well under a millisecond; where a heap is
/// full, it ends its collection first.
const LATE: Duration = Duration::from_millis(15);
const LATE_COLLECTING: Duration = Duration::from_millis(30);

/// And what makes it lost, where neighbours have something in hand there.
const LOST: Duration = Duration::from_millis(400);

/// How many threads may be lost before their process is replaced for them, and for how long one.
const MOST_LOST: usize = 4;
const LONGEST: Duration = Duration::from_secs(10);

/// What others have to know of a thread that hangs.
#[derive(Debug, Clone)]
pub(crate) enum Hang {
    /// It is late: what has not begun there should begin elsewhere. Its worker was stopped for this.
    Late(ThreadId, Culprit, Termination),
    /// It waits in the system, and answers nothing: what has not begun there should begin elsewhere. Nobody is to blame.
    Silent(ThreadId),
    /// It is not waited for any longer.
    Lost(ThreadId, Culprit),
    /// There are too many, or they take too much or too long: the process is to be replaced for what this worker does.
    TooMuch(Culprit),
}

static HANGS: LazyLock<broadcast::Sender<Hang>> = LazyLock::new(|| broadcast::Sender::new(64));

/// Those that were lost and have not come back.
static GONE: Mutex<Option<HashSet<ThreadId>>> = Mutex::new(None);

/// Whether the process is to be replaced.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Hears of threads that hang, from now on.
pub(crate) fn hangs() -> broadcast::Receiver<Hang> {
    HANGS.subscribe()
}

/// Tells that a thread is lost which nobody shares, and why its worker was stopped.
pub(crate) type Lost = watch::Sender<Option<Termination>>;

thread_local! {
    static SPARED: RefCell<Option<Arc<Lost>>> = const { RefCell::new(None) };
}

/// Nobody shares this thread: where it hangs, only this is told, and others do its work.
pub(crate) fn on_this_thread(lost: Arc<Lost>) {
    SPARED.set(Some(lost));
}

pub(super) fn of_this_thread() -> Option<Arc<Lost>> {
    SPARED.with_borrow(Clone::clone)
}

/// This thread has come back, if it was lost, and ends.
pub(crate) fn found() {
    let mut gone = GONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(gone) = &mut *gone {
        gone.remove(&std::thread::current().id());
    }
}

/// A turn that was stopped and goes on.
pub(super) struct Stopped<'a> {
    pub(super) worker: &'a Culprit,
    pub(super) why: Termination,
    pub(super) thread: (ThreadId, Pid),
    /// Whom to tell where nobody shares its thread.
    pub(super) spared: Option<&'a Lost>,
    /// The CPU time that it has taken since.
    pub(super) more: Duration,
}

/// How long a stopped turn is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Patience {
    #[default]
    Fresh,
    Late,
    /// Since when.
    AtItsEnd(Instant),
}

impl Patience {
    pub(super) fn is_at_its_end(self) -> bool {
        matches!(self, Self::AtItsEnd(_))
    }

    /// A turn goes on that was stopped.
    pub(super) fn runs_on(&mut self, stopped: &Stopped<'_>) {
        let Stopped { worker, why, more, .. } = *stopped;
        let late = match why {
            Termination::Memory => LATE_COLLECTING,
            _ => LATE,
        };
        match (*self, stopped.spared) {
            (Self::Fresh, Some(lost)) if more >= late => {
                lost.send_replace(Some(why));
                self.end(worker, stopped.thread);
            }
            (Self::Fresh, None) if more >= late => {
                *self = Self::Late;
                let (agent, tenant) = worker.whose();
                tracing::warn!(target: "worker", %worker, agent, tenant, "its thread does not come back from an isolate that was stopped; another takes its place");
                tell(Hang::Late(stopped.thread.0, worker.clone(), why));
            }
            (Self::Late, None) if more >= LOST => {
                self.end(worker, stopped.thread);
                tell(Hang::Lost(stopped.thread.0, worker.clone()));
            }
            (Self::AtItsEnd(since), _) if since.elapsed() >= LONGEST => too_much(worker),
            _ => {}
        }
    }

    fn end(&mut self, worker: &Culprit, (thread, tid): (ThreadId, Pid)) {
        *self = Self::AtItsEnd(Instant::now());
        let (agent, tenant) = worker.whose();
        tracing::error!(target: "worker", %worker, agent, tenant, "a thread is lost in an isolate that was stopped");
        // It goes on, and the others have work to do.
        priority::abandon(tid);
        let mut gone = GONE.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = gone.get_or_insert_default();
        gone.insert(thread);
        if gone.len() > MOST_LOST {
            too_much(worker);
        }
    }
}

/// The process is to be replaced for what this worker does. It is told once: each look would say it again, and what is
/// lost meanwhile would not be heard.
pub(super) fn too_much(worker: &Culprit) {
    if !TOLD.swap(true, Ordering::Relaxed) {
        tell(Hang::TooMuch(worker.clone()));
    }
}

/// The calling process is one worker's own, and does for it what nothing else can end.
pub(crate) fn ends_its_process(worker: &Culprit) {
    tell(Hang::TooMuch(worker.clone()));
}

pub(super) fn tell(hang: Hang) {
    // Tests and tools run isolates without a server that listens.
    let _ = HANGS.send(hang);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_thread_is_late_first() {
        let mut heard = hangs();
        let lost = Lost::new(None);
        let worker = Culprit::Owner("hangs".into(), None);
        let stopped = |why, more| Stopped {
            worker: &worker,
            why,
            thread: (std::thread::current().id(), nix::unistd::gettid()),
            spared: None,
            more,
        };
        let mut patience = Patience::default();
        patience.runs_on(&Stopped {
            spared: Some(&lost),
            ..stopped(Termination::Cpu, LATE / 2)
        });
        patience.runs_on(&stopped(Termination::Memory, LATE_COLLECTING / 2));
        assert!(lost.borrow().is_none() && patience == Patience::Fresh);
        for more in [LATE / 2, LATE, LATE * 2] {
            patience.runs_on(&stopped(Termination::Cpu, more));
        }
        assert_eq!(patience, Patience::Late);
        let told: Vec<_> = std::iter::from_fn(|| heard.try_recv().ok())
            .filter(|hang| matches!(hang, Hang::Late(_, late, Termination::Cpu) if *late == worker))
            .collect();
        assert_eq!(told.len(), 1);
    }
}
