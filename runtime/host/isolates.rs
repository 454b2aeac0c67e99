//! The isolates of a project on all threads: which may be put away, and whether there is memory for one more. An isolate goes where
//! nobody has asked for it for a while, and where there is none left for another, the one first that was not used for the longest
//! time. None goes that has an event.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use workerd_lite_ops::Termination;

use crate::isolate::CellHandle;
use crate::isolate::footprint::{self, PutAside};

/// How long an event waits for others to be put away for its isolate.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often whoever waits looks again, whatever it hears.
const LOOK: Duration = Duration::from_millis(100);

/// How long an agent that is gone, and has events under way, is waited for until it is looked at again.
const LEAVING: Duration = Duration::from_millis(500);

/// When isolates are made, and put away.
#[derive(Debug, Clone, Copy)]
pub struct IsolateLimits {
    /// How long one without events is kept.
    pub idle: Duration,
    /// Bytes of all together.
    pub memory: usize,
    /// Whether each agent's is made once before anything is served, so that what is wrong with its script is told.
    pub eager: bool,
}

impl Default for IsolateLimits {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(10),
            memory: usize::MAX,
            eager: true,
        }
    }
}

/// One isolate, as other threads know it.
#[derive(Debug)]
struct Kept {
    /// The agent's place in the project, where it is an agent's.
    agent: Option<usize>,
    /// When it was last used, in milliseconds since the beginning.
    used: AtomicU64,
    /// Whether it was asked to leave.
    asked: AtomicBool,
    /// Whether nobody can ask for it any longer.
    gone: AtomicBool,
    leave: Notify,
}

/// The isolates of one project.
#[derive(Debug)]
pub(crate) struct Isolates {
    pub(super) limits: IsolateLimits,
    began: Instant,
    kept: Mutex<Vec<Arc<Kept>>>,
    /// One has left, or said that it can not.
    changed: Notify,
}

impl Isolates {
    pub(super) fn new(limits: IsolateLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            began: Instant::now(),
            kept: Mutex::default(),
            changed: Notify::new(),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Arc<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more is there, until what this gives is dropped.
    pub(super) fn keep(self: &Arc<Self>, agent: Option<usize>) -> Place {
        self.keep_used(agent, self.now())
    }

    /// The same for one that nobody uses: of all it is the first to leave.
    pub(super) fn keep_spare(self: &Arc<Self>) -> Place {
        self.keep_used(None, 0)
    }

    fn keep_used(self: &Arc<Self>, agent: Option<usize>, used: u64) -> Place {
        let kept = Arc::new(Kept {
            agent,
            used: AtomicU64::new(used),
            asked: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            leave: Notify::new(),
        });
        self.kept().push(Arc::clone(&kept));
        Place(Used {
            isolates: Arc::clone(self),
            kept,
        })
    }

    /// An agent is gone: its isolates leave when they have done what they have.
    pub(super) fn dismiss(&self, agent: usize) {
        for kept in self.kept().iter().filter(|kept| kept.agent == Some(agent)) {
            kept.gone.store(true, Ordering::Relaxed);
            kept.leave.notify_one();
        }
    }

    /// Asks the one that was not used for the longest time to leave, unless it was asked already. Tells whether there was one.
    fn ask_one(&self) -> bool {
        self.ask_oldest(0)
    }

    /// The same of those that somebody used.
    pub(super) fn ask_used(&self) -> bool {
        self.ask_oldest(1)
    }

    fn ask_oldest(&self, since: u64) -> bool {
        let kept = self.kept();
        let idle = kept
            .iter()
            .filter(|kept| !kept.asked.load(Ordering::Relaxed) && kept.used.load(Ordering::Relaxed) >= since);
        let Some(oldest) = idle.min_by_key(|kept| kept.used.load(Ordering::Relaxed)) else {
            return false;
        };
        oldest.asked.store(true, Ordering::Relaxed);
        oldest.leave.notify_one();
        true
    }

    /// Memory for one more, once others have left for it. Fails where none can.
    pub(super) async fn room(&self) -> Result<PutAside, Termination> {
        let began = Instant::now();
        loop {
            let changed = self.changed.notified();
            if let Some(room) = PutAside::within(self.limits.memory) {
                self.tidy();
                return Ok(room);
            }
            // A server of one isolate has that, whatever its owner says.
            if footprint::count() == 0 {
                return Ok(PutAside::anyway());
            }
            if began.elapsed() >= PATIENCE {
                return Err(Termination::Busy);
            }
            self.ask_one();
            let _ = tokio::time::timeout(LOOK, changed).await;
        }
    }

    /// Memory for one that others wait for, who would have to leave first. One leaves for it where one can.
    pub(super) fn room_anyway(&self) -> PutAside {
        PutAside::within(self.limits.memory).unwrap_or_else(|| {
            self.ask_one();
            PutAside::anyway()
        })
    }

    /// Where there is no memory for the next one, there will be.
    fn tidy(&self) {
        let next = footprint::expected().saturating_mul(2);
        if footprint::total().saturating_add(next) > self.limits.memory {
            self.ask_one();
        }
    }
}

/// One isolate's place among them, until this is dropped.
pub(super) struct Place(Used);

/// Says that an isolate is used.
#[derive(Clone)]
pub(super) struct Used {
    isolates: Arc<Isolates>,
    kept: Arc<Kept>,
}

impl Used {
    /// It is used now.
    pub(super) fn now(&self) {
        self.kept.used.store(self.isolates.now(), Ordering::Relaxed);
    }

    /// For how long it was not.
    fn unused(&self) -> Duration {
        let used = Duration::from_millis(self.kept.used.load(Ordering::Relaxed));
        self.isolates.began.elapsed().saturating_sub(used)
    }
}

impl Place {
    /// Who says that it is used.
    pub(super) fn used(&self) -> Used {
        self.0.clone()
    }

    /// Waits until a spare one is to leave: for others' sake, or because nobody has wanted it for so long.
    pub(super) async fn is_spared(&self, unused: Duration) {
        let _ = tokio::time::timeout(unused, self.0.kept.leave.notified()).await;
    }

    /// Waits until it is to be put away, for want of use or for others' sake. It has no event then, queued or under way.
    pub(super) async fn is_to_leave(&self, handle: &CellHandle, idle: Duration) {
        let Used { isolates, kept } = &self.0;
        let mut again: Option<Duration> = None;
        loop {
            let wait = again.take();
            let wait = wait.unwrap_or_else(|| idle.saturating_sub(self.0.unused()).max(LOOK));
            let asked = tokio::time::timeout(wait, kept.leave.notified()).await.is_ok();
            let gone = kept.gone.load(Ordering::Relaxed);
            if handle.live() > 0 {
                // Calls that nobody waits for any longer end.
                handle.wake();
                // What is under way counts as use.
                self.0.now();
                kept.asked.store(false, Ordering::Relaxed);
                isolates.changed.notify_waiters();
                again = gone.then_some(LEAVING);
            } else if gone || asked || self.0.unused() >= idle {
                return;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Used { isolates, kept } = &self.0;
        isolates.kept().retain(|other| !Arc::ptr_eq(other, kept));
        isolates.changed.notify_waiters();
    }
}
