//! A process of agents, or of the policy, as its parent's threads know it.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};
use tokio::sync::Notify;

use super::groups::Group;
use super::spawn::End;

/// One process.
#[derive(Debug)]
pub(crate) struct Child {
    /// Its number, for logs, and what it is.
    pub(crate) id: u32,
    pub(super) what: &'static str,
    /// What signals it, until it is there no longer.
    pidfd: Mutex<Option<OwnedFd>>,
    /// Links that no thread has taken.
    links: Mutex<Vec<End>>,
    began: Instant,
    /// Events that it has.
    events: AtomicUsize,
    /// When the last one began or ended, in milliseconds since the beginning.
    used: AtomicU64,
    /// Whether it takes no more.
    leaves: AtomicBool,
    /// Told when it is to leave.
    pub(super) leaving: Notify,
    /// Whether a link to it has ended that nobody here has closed: it is about to end, or should be.
    unlinked: AtomicBool,
    over: AtomicBool,
    /// Its control group, until it is there no longer.
    group: Mutex<Option<Group>>,
    /// Whether it was ended because it had more memory than it may.
    out_of_memory: AtomicBool,
}

/// One event of a process, which is not put away meanwhile.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Child>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.used.store(self.0.now(), Ordering::Relaxed);
        self.0.events.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Child {
    /// One that is this for logs.
    pub(crate) fn of(what: &'static str, id: u32, pidfd: OwnedFd, links: Vec<End>) -> Arc<Self> {
        Arc::new(Self {
            id,
            what,
            pidfd: Mutex::new(Some(pidfd)),
            links: Mutex::new(links),
            began: Instant::now(),
            events: AtomicUsize::new(0),
            used: AtomicU64::new(0),
            leaves: AtomicBool::new(false),
            leaving: Notify::new(),
            unlinked: AtomicBool::new(false),
            over: AtomicBool::new(false),
            group: Mutex::default(),
            out_of_memory: AtomicBool::new(false),
        })
    }

    /// It is in this control group.
    pub(super) fn is_in(&self, group: Option<Group>) {
        *self.group.lock().unwrap_or_else(PoisonError::into_inner) = group;
    }

    /// Whether it has ended, or is about to, because it had more memory than it may. The system may have found that before anybody here.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        let found = || {
            let group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
            group.as_ref().is_some_and(Group::is_out_of_memory)
        };
        if !self.out_of_memory.load(Ordering::SeqCst) && found() {
            self.out_of_memory.store(true, Ordering::SeqCst);
        }
        self.out_of_memory.load(Ordering::SeqCst)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// For how long it has been there.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// One more event, where it takes any.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<UnderWay> {
        self.events.fetch_add(1, Ordering::SeqCst);
        let under_way = UnderWay(Arc::clone(self));
        (!self.leaves.load(Ordering::SeqCst)).then_some(under_way)
    }

    /// How long it has had nothing to do; nothing where it has.
    pub(super) fn idles(&self) -> Option<Duration> {
        (!self.is_busy()).then(|| Duration::from_millis(self.now().saturating_sub(self.used.load(Ordering::Relaxed))))
    }

    /// Whether it has anything to do.
    pub(super) fn is_busy(&self) -> bool {
        self.events.load(Ordering::Relaxed) > 0
    }

    /// Whether it takes events.
    pub(crate) fn is_open(&self) -> bool {
        !self.leaves.load(Ordering::SeqCst)
    }

    /// A link for the calling thread, where there is one left.
    pub(super) fn take_link(&self) -> Option<End> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// It takes no more events, and leaves when it has none.
    pub(crate) fn retire(&self) {
        self.leaves.store(true, Ordering::SeqCst);
        self.leaving.notify_one();
    }

    /// A link to it has ended that nobody here has closed. It takes no more events, of those either that would come by another link: the
    /// news of its end may be a while behind.
    pub(crate) fn has_lost_a_link(&self) {
        self.leaves.store(true, Ordering::SeqCst);
        self.unlinked.store(true, Ordering::SeqCst);
    }

    /// Whether that is so.
    pub(super) fn is_unlinked(&self) -> bool {
        self.unlinked.load(Ordering::SeqCst)
    }

    /// Whether it has had nothing to do for so long. Then it takes no more.
    pub(super) fn is_put_away(&self, idle: Duration) -> bool {
        let used = Duration::from_millis(self.used.load(Ordering::Relaxed));
        if self.is_busy() || self.began.elapsed().saturating_sub(used) < idle {
            return false;
        }
        self.leaves.store(true, Ordering::SeqCst);
        // An event may have begun meanwhile.
        if self.events.load(Ordering::SeqCst) > 0 {
            self.leaves.store(false, Ordering::SeqCst);
            return false;
        }
        true
    }

    /// Ends it at once.
    pub(crate) fn kill(&self, why: &str) {
        if self.over.load(Ordering::Relaxed) {
            return;
        }
        // One that leaves breaks its links, and nobody is to be told of that.
        if !self.leaves.swap(true, Ordering::SeqCst) {
            tracing::error!(target: "worker", process = self.id, "{} is ended: {why}", self.what);
        }
        self.end();
    }

    /// Ends it at once: it has more memory of its own than `[isolation] memory_mb` lets it.
    pub(super) fn kill_for_memory(&self) {
        self.out_of_memory.store(true, Ordering::SeqCst);
        self.kill("it has more memory of its own than [isolation] memory_mb lets it");
    }

    pub(super) fn end(&self) {
        self.leaves.store(true, Ordering::SeqCst);
        if let Some(pidfd) = &*self.pidfd.lock().unwrap_or_else(PoisonError::into_inner) {
            // It may have ended by itself: its number is another's then, and this is not.
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }

    /// It is there no longer, and needs no descriptors: whoever still knows it may do so for long. Gives its control group.
    pub(super) fn is_over(&self) -> Option<Group> {
        // That is asked for later as well.
        let _ = self.is_out_of_memory();
        self.leaves.store(true, Ordering::SeqCst);
        self.over.store(true, Ordering::Relaxed);
        self.links.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.pidfd.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.group.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
