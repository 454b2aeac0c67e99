//! Accounts: what works for an agent is put down to it, wherever it runs. An isolate's turns are one part of that; the host's
//! futures, its tasks, its blocking jobs and what it holds in memory are the other.
//!
//! A future that serves an agent is polled within [`Account::meter`]. What it makes on the way asks [`Account::current`] for whom
//! it works.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

pub use crate::agent_id::AgentId;
use crate::cache::store::{self, Caches};
use crate::external_memory::{ExternalMemory, Outlived};
use crate::poll_time::{PollTime, SHORT};
use crate::statistics::Statistics;

/// What the host has a bounded number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A client's connection.
    Client,
    /// A connection to an upstream.
    Upstream,
    /// A name that is looked up.
    Lookup,
    /// A job on a thread of its own.
    Job,
}

/// How many of a [`Kind`] there are.
const KINDS: usize = 4;

/// Hears of CPU time that was put down to an account: how much, in one go.
pub type Observer = Box<dyn Fn(Duration) + Send + Sync>;

/// One agent's account, on all threads.
pub struct Account {
    id: AgentId,
    /// Nanoseconds of CPU time outside of its isolates.
    host: AtomicU64,
    /// Nanoseconds of CPU time of its isolates' turns, and of the policy's for it.
    script: AtomicU64,
    memory: ExternalMemory,
    outlived: Mutex<Outlived>,
    caches: OnceLock<Caches>,
    in_use: [AtomicUsize; KINDS],
    statistics: Statistics,
    observer: Option<Observer>,
    /// Whose part it is: that of the agent which loaded it.
    parent: Option<Arc<Self>>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

thread_local! {
    /// For whom the future works that is being polled.
    static CURRENT: RefCell<Option<Arc<Account>>> = const { RefCell::new(None) };
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Account {
    /// Nothing has been done yet. The host may hold so many bytes for it in all, on all threads. `observer` hears of what takes long
    /// in one go.
    pub fn new(id: AgentId, memory: usize, observer: Option<Observer>) -> Arc<Self> {
        Arc::new(Self {
            id,
            host: AtomicU64::new(0),
            script: AtomicU64::new(0),
            memory: ExternalMemory::new(memory),
            outlived: Mutex::default(),
            caches: OnceLock::new(),
            in_use: Default::default(),
            statistics: Statistics::default(),
            observer,
            parent: None,
        })
    }

    /// The account of what this one's agent has loaded: whatever is put down to it is put down to this one.
    pub fn child(self: &Arc<Self>, name: &str) -> Arc<Self> {
        Arc::new(Self {
            id: AgentId::new(self.id.tenant.as_deref(), name),
            host: AtomicU64::new(0),
            script: AtomicU64::new(0),
            memory: self.memory.clone(),
            outlived: Mutex::default(),
            caches: OnceLock::new(),
            in_use: Default::default(),
            statistics: Statistics::default(),
            observer: None,
            parent: Some(Arc::clone(self)),
        })
    }

    /// The account that all of it is a part of in the end: that of an agent which was configured.
    pub fn root(&self) -> &Self {
        self.parent.as_deref().map_or(self, Self::root)
    }

    /// Whose it is.
    pub fn id(&self) -> &AgentId {
        &self.id
    }

    /// For whom the future works that is being polled on this thread.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// What the host holds for it, apart from what is counted as an isolate's.
    pub fn memory(&self) -> &ExternalMemory {
        &self.memory
    }

    /// What a new isolate of its may hold outside of its heap, beside what those hold still that have ended.
    pub fn isolate_memory(&self, limit: usize) -> ExternalMemory {
        let outlived = self.outlived.lock().unwrap_or_else(PoisonError::into_inner);
        ExternalMemory::beside(outlived.clone(), limit)
    }

    /// An isolate of its has ended, and others may hold a part of its memory.
    pub fn isolate_ended(&self, memory: &ExternalMemory) {
        let mut outlived = self.outlived.lock().unwrap_or_else(PoisonError::into_inner);
        outlived.add(memory);
    }

    /// What its scripts keep in `caches`, on all threads.
    pub fn caches(&self) -> Caches {
        Arc::clone(self.caches.get_or_init(|| store::new(&self.memory)))
    }

    /// What is counted of it.
    pub fn statistics(&self) -> &Statistics {
        &self.root().statistics
    }

    /// CPU time outside of isolates, so far.
    pub fn host_cpu(&self) -> Duration {
        Duration::from_nanos(self.host.load(Ordering::Relaxed))
    }

    /// CPU time of isolates, so far.
    pub fn script_cpu(&self) -> Duration {
        Duration::from_nanos(self.script.load(Ordering::Relaxed))
    }

    /// The host has worked for it for so long in one go.
    pub fn charge_host(&self, time: Duration) {
        self.parent.iter().for_each(|parent| parent.charge_host(time));
        self.host.fetch_add(nanos(time), Ordering::Relaxed);
        if time >= SHORT {
            if let Some(observer) = &self.observer {
                observer(time);
            }
        }
    }

    /// A job on another thread has worked for it, which nobody waits for but itself.
    pub fn charge_job(&self, time: Duration) {
        self.parent.iter().for_each(|parent| parent.charge_job(time));
        self.host.fetch_add(nanos(time), Ordering::Relaxed);
    }

    /// An isolate has worked for it. Whoever watches turns says so where they are long.
    pub fn charge_script(&self, time: Duration) {
        self.parent.iter().for_each(|parent| parent.charge_script(time));
        self.script.fetch_add(nanos(time), Ordering::Relaxed);
    }

    /// What was done for it elsewhere has taken long, and others have waited for that.
    pub fn held_up(&self, time: Duration) {
        self.parent.iter().for_each(|parent| parent.held_up(time));
        if let Some(observer) = &self.observer {
            observer(time);
        }
    }

    /// How many of a kind it has.
    pub fn in_use(&self, kind: Kind) -> usize {
        self.root().in_use[kind as usize].load(Ordering::Relaxed)
    }

    /// Takes one of a kind, where it has fewer than `most`.
    pub fn take(self: &Arc<Self>, kind: Kind, most: usize) -> Option<Place> {
        let place = Place {
            account: Arc::clone(self),
            kind,
        };
        // A place that is one too many is given back as it is dropped.
        (self.root().in_use[kind as usize].fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }

    /// This thread works for it until what this gives is dropped. Whoever asks measures the time.
    pub fn enter(self: &Arc<Self>) -> Entered {
        Entered::new(Some(Arc::clone(self)))
    }

    /// Does something for it here and now.
    pub fn charged<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        let metering = Metering::begin(Some(Arc::clone(self)));
        let result = work();
        metering.end(|| Some(Arc::clone(self)));
        result
    }

    /// The same future, each poll of which is put down to this account.
    pub fn meter<F>(self: &Arc<Self>, future: F) -> Metered<F> {
        metered(Some(Arc::clone(self)), future)
    }
}

/// One of a bounded number, until this is dropped.
#[derive(Debug)]
pub struct Place {
    account: Arc<Account>,
    kind: Kind,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.account.root().in_use[self.kind as usize].fetch_sub(1, Ordering::Relaxed);
    }
}

/// For whom something works that is told only later, such as a client's connection.
#[derive(Debug, Clone, Default)]
pub struct Later(Rc<RefCell<Option<Arc<Account>>>>);

impl Later {
    /// It works for this one from now on.
    pub fn set(&self, account: &Arc<Account>) {
        let mut known = self.0.borrow_mut();
        if !known.as_ref().is_some_and(|known| Arc::ptr_eq(known, account)) {
            *known = Some(Arc::clone(account));
        }
    }

    /// For whom it works.
    pub fn get(&self) -> Option<Arc<Account>> {
        self.0.borrow().clone()
    }

    /// The same future, each poll of which is put down to whom it works for by then.
    pub fn meter<F>(&self, future: F) -> Metered<F> {
        Metered {
            future,
            whose: Whose::Later(self.clone()),
        }
    }
}

enum Whose {
    Known(Option<Arc<Account>>),
    Later(Later),
}

impl Whose {
    fn account(&self) -> Option<Arc<Account>> {
        match self {
            Self::Known(account) => account.clone(),
            Self::Later(later) => later.get(),
        }
    }
}

pin_project! {
    /// A future whose polls are put down to an account.
    pub struct Metered<F> {
        #[pin]
        future: F,
        whose: Whose,
    }
}

/// The same future, each poll of which is put down to this account, where there is one.
pub fn metered<F>(account: Option<Arc<Account>>, future: F) -> Metered<F> {
    Metered {
        future,
        whose: Whose::Known(account),
    }
}

impl<F> Metered<F> {
    /// The future within.
    pub fn inner(self: Pin<&mut Self>) -> Pin<&mut F> {
        self.project().future
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let metering = Metering::begin(this.whose.account());
        let polled = this.future.poll(cx);
        metering.end(|| this.whose.account());
        polled
    }
}

/// One poll. Nothing where what is polled around it works for the same one, and is timed.
struct Metering(Option<(Entered, PollTime)>);

impl Metering {
    fn begin(account: Option<Arc<Account>>) -> Self {
        let same = CURRENT.with_borrow(|current| match (current, &account) {
            (Some(current), Some(account)) => Arc::ptr_eq(current, account),
            _ => false,
        });
        Self((!same).then(|| (Entered::new(account), PollTime::begin())))
    }

    fn end(self, account: impl FnOnce() -> Option<Arc<Account>>) {
        let Some((_entered, time)) = self.0 else { return };
        let own = time.end();
        if let Some(account) = account() {
            account.charge_host(own);
        }
    }
}

/// The time in which a thread works for somebody. Where it ends by a panic, what is around it goes on for its own account.
pub struct Entered(Option<Arc<Account>>);

impl Entered {
    fn new(account: Option<Arc<Account>>) -> Self {
        Self(CURRENT.with_borrow_mut(|current| std::mem::replace(current, account)))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| *current = self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll_time::thread_cpu;

    fn account(name: &str) -> Arc<Account> {
        Account::new(AgentId::new(None, name), 1 << 20, None)
    }

    fn work(time: Duration) {
        let before = thread_cpu().unwrap();
        while thread_cpu().unwrap().saturating_sub(before) < time {}
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn each_poll_is_put_down_to_whom_it_works_for() {
        let (outer, inner) = (account("outer"), account("inner"));
        let within = inner.meter(async {
            assert_eq!(&*Account::current().unwrap().id().name, "inner");
            work(Duration::from_millis(20));
            tokio::task::yield_now().await;
            work(Duration::from_millis(20));
        });
        run(outer.meter(async {
            work(Duration::from_millis(10));
            within.await;
            assert_eq!(&*Account::current().unwrap().id().name, "outer");
        }));
        assert!(Account::current().is_none());
        // The first poll that is not short is counted as a short one.
        assert!(inner.host_cpu() >= Duration::from_millis(20), "{:?}", inner.host_cpu());
        assert!(outer.host_cpu() < Duration::from_millis(15), "{:?}", outer.host_cpu());
    }

    #[test]
    fn who_is_told_later_is_charged_from_then_on() {
        let (later, one) = (Later::default(), account("one"));
        let known = later.clone();
        run(later.meter(async {
            work(Duration::from_micros(100));
            known.set(&one);
        }));
        assert!(one.host_cpu() > Duration::ZERO);
    }

    #[test]
    fn a_panic_leaves_nobody_behind() {
        let one = account("one");
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run(one.meter(async { panic!("as a test wants it") }));
        }));
        assert!(panicked.is_err() && Account::current().is_none());
    }

    #[test]
    fn places_are_given_back() {
        let one = account("one");
        let places: Vec<_> = (0..3).map_while(|_| one.take(Kind::Job, 2)).collect();
        assert_eq!((places.len(), one.in_use(Kind::Job)), (2, 2));
        drop(places);
        assert_eq!(one.in_use(Kind::Job), 0);
    }
}
