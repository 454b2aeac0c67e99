//! Work pools: threads for what takes long, one bounded pool for each kind of work, so that one kind never waits for another. Within
//! a pool agents take turns, and none has more than its share of the threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::account::{Account, Kind, Place};
use crate::poll_time::thread_cpu;
use crate::turns::{Turns, Whose};

/// How long a thread waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// What each thread of a pool does first. The host says it once.
static BEFORE_WORK: OnceLock<fn()> = OnceLock::new();

/// Lets each thread of every pool do this first, such as lower its priority.
pub fn before_work(first: fn()) {
    let _ = BEFORE_WORK.set(first);
}

/// What a thread of every pool does first.
pub(crate) fn begin_thread() {
    if let Some(first) = BEFORE_WORK.get() {
        first();
    }
}

type Job = Box<dyn FnOnce() + Send>;

struct State {
    turns: Turns<Job>,
    threads: usize,
    idle: usize,
}

/// Threads for one kind of work. A pool lives as long as the process.
pub struct WorkPool {
    name: &'static str,
    threads: usize,
    share: usize,
    state: Mutex<State>,
    wanted: Condvar,
}

/// The work did not end: its thread could not be made, or it panicked.
#[derive(Debug, Clone, Copy, thiserror::Error, deno_error::JsError)]
#[class(generic)]
#[error("the work could not be done")]
pub struct WorkFailed;

/// Work that is not wanted any longer is not begun.
struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl WorkPool {
    /// A pool of at most so many threads, of which one agent's jobs have at most `share` at once.
    pub const fn new(name: &'static str, threads: usize, share: usize) -> Self {
        Self {
            name,
            threads,
            share,
            state: Mutex::new(State {
                turns: Turns::new(),
                threads: 0,
                idle: 0,
            }),
            wanted: Condvar::new(),
        }
    }

    /// Does the work on a thread of the pool, in its agent's turn, and puts its CPU time down to that one. Work whose future is
    /// dropped before it has begun is not done.
    pub async fn run<T: Send + 'static>(
        &'static self,
        account: Option<&Arc<Account>>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkFailed> {
        let (reply, done) = oneshot::channel();
        let unwanted = Arc::new(AtomicBool::new(false));
        let _unwanted = Unwanted(Arc::clone(&unwanted));
        let whose = account.map(|account| account.id().clone());
        let account = account.cloned();
        let place: Option<Place> = account.as_ref().and_then(|account| account.take(Kind::Job, usize::MAX));
        let job = move || {
            let _place = place;
            if unwanted.load(Ordering::Relaxed) {
                return;
            }
            let before = thread_cpu();
            let result = work();
            if let (Some(account), Some(before), Some(after)) = (account, before, thread_cpu()) {
                account.charge_job(after.saturating_sub(before));
            }
            let _ = reply.send(result);
        };
        self.queue(whose, Box::new(job));
        done.await.map_err(|_| WorkFailed)
    }

    fn queue(&'static self, whose: Whose, job: Job) {
        let mut state = self.lock();
        state.turns.queue(whose, job);
        if state.idle > 0 {
            drop(state);
            self.wanted.notify_one();
        } else if state.threads < self.threads {
            state.threads += 1;
            drop(state);
            let started = std::thread::Builder::new().name(self.name.into()).spawn(|| self.work());
            if started.is_err() {
                self.is_without_thread();
            }
        }
    }

    /// A thread could not be made. Where there is no other, what waits is given up: whoever asked hears of it.
    fn is_without_thread(&self) {
        let mut state = self.lock();
        state.threads -= 1;
        if state.threads == 0 {
            let dropped = state.turns.give_up();
            drop(state);
            drop(dropped);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // No job runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one thread does.
    fn work(&self) {
        begin_thread();
        let mut state = self.lock();
        loop {
            if let Some((whose, job)) = state.turns.next(self.share) {
                drop(state);
                // A panic is the end of this job, which its future is told, and of nothing else.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
                state = self.lock();
                state.turns.has_ended(&whose);
                continue;
            }
            state.idle += 1;
            let (woken, waited) = self
                .wanted
                .wait_timeout(state, IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.turns.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::account::AgentId;

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    fn account(tenant: &str) -> Arc<Account> {
        Account::new(AgentId::new(Some(tenant), "bot"), 0, None)
    }

    #[test]
    fn one_that_floods_the_pool_leaves_a_thread_for_others() {
        static POOL: WorkPool = WorkPool::new("test", 2, 1);
        let (flood, victim) = (account("a"), account("b"));
        let (open, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        run(async {
            let mut waiting = Vec::new();
            for _ in 0..20 {
                let gate = Arc::clone(&gate);
                let work = move || {
                    let _ = gate.lock().unwrap().recv_timeout(Duration::from_secs(10));
                };
                waiting.push(Box::pin(POOL.run(Some(&flood), work)));
            }
            for waits in &mut waiting {
                assert!(futures_util::poll!(waits).is_pending());
            }
            for number in 0..50 {
                assert_eq!(POOL.run(Some(&victim), move || number).await.unwrap(), number);
            }
            assert!(flood.in_use(Kind::Job) > victim.in_use(Kind::Job));
            drop(open);
            for waits in waiting {
                waits.await.unwrap();
            }
        });
        // A job is done before its thread gives its place back.
        let began = std::time::Instant::now();
        while flood.in_use(Kind::Job) > 0 {
            assert!(began.elapsed() < Duration::from_secs(10));
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_panic_ends_its_job_only_and_what_is_dropped_is_not_begun() {
        static POOL: WorkPool = WorkPool::new("test", 1, 1);
        let ran = Arc::new(AtomicBool::new(false));
        run(async {
            let panicked: Result<(), _> = POOL.run(None, || panic!("as a test wants it")).await;
            assert!(panicked.is_err());
            let (open, gate) = mpsc::channel::<()>();
            let mut first = Box::pin(POOL.run(None, move || gate.recv()));
            let flag = Arc::clone(&ran);
            let mut second = Box::pin(POOL.run(None, move || flag.store(true, Ordering::Relaxed)));
            assert!(futures_util::poll!(&mut first).is_pending() && futures_util::poll!(&mut second).is_pending());
            drop(second);
            drop(open);
            assert!(first.await.unwrap().is_err());
            POOL.run(None, || ()).await.unwrap();
        });
        assert!(!ran.load(Ordering::Relaxed));
    }
}
