//! Ends turns of isolates that take too much of their thread's CPU time. One thread of the process looks at all of them;
//! a turn that ends in time costs its isolate two atomic additions.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread::{Thread, ThreadId};
use std::time::{Duration, Instant};

use nix::unistd::{Pid, gettid};
use workerd_lite_ops::Termination;

use super::culprit::Culprit;
use super::hang::{self, Lost, Patience, Stopped};
use super::memory_attribution::{Part, Process};
use super::thread_clock::ThreadClock;

/// How often turns are looked at.
const LOOK: Duration = Duration::from_millis(2);

/// How many looks without a turn put the watchdog to sleep.
const IDLE: u32 = 50;

/// Set once the isolate has been stopped. Below it is the number of beginnings and ends: odd while a turn runs.
const STOPPED: u64 = 1 << 63;

static WATCHED: Mutex<Vec<(Weak<Turns>, Option<Seen>)>> = Mutex::new(Vec::new());
static THREAD: OnceLock<Thread> = OnceLock::new();
static ASLEEP: AtomicBool = AtomicBool::new(false);

/// The turns of one isolate.
pub(crate) struct Turns {
    state: AtomicU64,
    /// Nanoseconds of CPU time for one turn.
    budget: AtomicU64,
    memory: AtomicBool,
    /// Its part of the process's memory.
    part: Part,
    /// To whom it is owed what the isolate does now.
    culprit: Mutex<Culprit>,
    thread: ThreadId,
    tid: Pid,
    /// Whom to tell where the thread hangs and nobody shares it.
    spared: Option<Arc<Lost>>,
    /// The CPU time of the isolate's thread, and nanoseconds of it when it was looked at last.
    clock: ThreadClock,
    looked: Arc<AtomicU64>,
    /// The turn that was sampled last, and nanoseconds of CPU time that the sample stands for.
    sampled: AtomicU64,
    stands_for: AtomicU64,
    orders: Orders,
}

/// What an isolate is told, from any thread.
pub(crate) struct Orders {
    /// To end what it runs.
    pub(crate) stop: Box<dyn Fn() + Send + Sync>,
    /// To look for whom it works, and to ask for [`Turns::sampled`].
    pub(crate) sample: Box<dyn Fn() + Send + Sync>,
}

#[cfg(test)]
impl Default for Orders {
    fn default() -> Self {
        let nothing = || Box::new(|| {});
        Self {
            stop: nothing(),
            sample: nothing(),
        }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

/// A turn when it was first looked at.
#[derive(Clone, Copy)]
struct Seen {
    turn: u64,
    cpu: Duration,
    /// The CPU time when it was first seen to run on after it had been stopped.
    stopped: Option<Duration>,
    /// What was made known of that.
    patience: Patience,
}

impl Seen {
    fn new(turn: u64, cpu: Duration) -> Self {
        Self {
            turn,
            cpu,
            stopped: None,
            patience: Patience::default(),
        }
    }
}

thread_local! {
    static LOOKED: Arc<AtomicU64> = Arc::default();
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Turns {
    /// The CPU time that the isolate's thread has used.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        self.clock.now()
    }

    /// Watches an isolate of the calling thread, which may make the process grow by so many bytes.
    pub(crate) fn watch(culprit: Culprit, memory: usize, orders: Orders) -> Arc<Self> {
        let turns = Arc::new(Self {
            state: AtomicU64::new(0),
            budget: AtomicU64::new(0),
            memory: AtomicBool::new(false),
            part: Part::new(memory),
            culprit: Mutex::new(culprit),
            thread: std::thread::current().id(),
            tid: gettid(),
            spared: hang::of_this_thread(),
            clock: ThreadClock::of_this_thread(),
            looked: LOOKED.with(Arc::clone),
            sampled: AtomicU64::new(0),
            stands_for: AtomicU64::new(0),
            orders,
        });
        if let Ok(mut watched) = WATCHED.lock() {
            watched.push((Arc::downgrade(&turns), None));
        }
        THREAD.get_or_init(|| {
            let watching = std::thread::Builder::new().name("watchdog".into()).spawn(|| {
                // Without it nothing ends what never ends by itself.
                if std::panic::catch_unwind(keep_watch).is_err() {
                    std::process::abort();
                }
            });
            watching.map_or_else(|_| std::thread::current(), |handle| handle.thread().clone())
        });
        turns
    }

    /// To whom it is owed what the isolate does now.
    pub(crate) fn culprit(&self) -> Culprit {
        self.culprit.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The isolate works for this one from now on.
    pub(crate) fn works_for(&self, culprit: Culprit) {
        *self.culprit.lock().unwrap_or_else(PoisonError::into_inner) = culprit;
    }

    /// A turn begins.
    pub(crate) fn begin(&self, budget: Duration) {
        self.budget.store(nanos(budget), Ordering::Relaxed);
        self.part.begin();
        self.state.fetch_add(1, Ordering::SeqCst);
        if ASLEEP.load(Ordering::SeqCst) {
            if let Some(thread) = THREAD.get() {
                thread.unpark();
            }
        }
    }

    /// The turn has ended. Gives why its isolate was stopped, where it was: it must not be used again.
    pub(crate) fn end(&self) -> Option<Termination> {
        self.state.fetch_add(1, Ordering::SeqCst);
        self.part.end();
        self.stopped()
    }

    /// Why the isolate was stopped.
    pub(crate) fn stopped(&self) -> Option<Termination> {
        if self.state.load(Ordering::SeqCst) & STOPPED == 0 {
            return None;
        }
        Some(if self.memory.load(Ordering::SeqCst) {
            Termination::Memory
        } else {
            Termination::Cpu
        })
    }

    /// Stops the isolate for the memory that it wants.
    pub(crate) fn out_of_memory(&self) {
        self.memory.store(true, Ordering::SeqCst);
        self.stop();
    }

    /// Stops the isolate for what it computes.
    pub(crate) fn out_of_time(&self) {
        self.stop();
    }

    fn stop(&self) {
        self.state.fetch_or(STOPPED, Ordering::SeqCst);
        (self.orders.stop)();
    }

    /// The present turn, and the CPU time that is put down to whom it works for: what the isolate's thread has worked since
    /// it was looked at before. Nothing where that was asked in a turn that has ended.
    pub(crate) fn sampled(&self) -> Option<(u64, Duration)> {
        if self.stands_for.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let turn = self.state.load(Ordering::SeqCst);
        let time = self.stands_for.swap(0, Ordering::SeqCst);
        (turn == self.sampled.load(Ordering::SeqCst) && time > 0).then(|| (turn, Duration::from_nanos(time)))
    }

    /// Asks for whom the isolate works.
    fn sample(&self, turn: u64, worked: Duration) {
        if self.sampled.swap(turn, Ordering::SeqCst) == turn {
            // V8 has not come to look since.
            self.stands_for.fetch_add(nanos(worked), Ordering::SeqCst);
        } else {
            self.stands_for.store(nanos(worked), Ordering::SeqCst);
        }
        (self.orders.sample)();
    }

    pub(super) fn part(&self) -> &Part {
        &self.part
    }

    /// Its thread, where a turn runs.
    fn running(&self) -> Option<Pid> {
        (self.state.load(Ordering::SeqCst) & 1 == 1).then_some(self.tid)
    }

    /// Looks at the present turn, so long after it was looked for one before. Gives whether there is one.
    fn look(&self, seen: &mut Option<Seen>, passed: Duration) -> bool {
        let turn = self.state.load(Ordering::SeqCst);
        if turn & 1 == 0 {
            return false;
        }
        let Some(cpu) = self.clock.now() else { return true };
        let before = self.looked.swap(nanos(cpu), Ordering::Relaxed);
        if turn & STOPPED != 0 {
            self.unwinds(cpu, seen);
            return true;
        }
        // A look that comes late stands for all of it only where this turn was there before: else others may have had the
        // thread meanwhile.
        let first = seen.filter(|seen| seen.turn == turn);
        let most = if first.is_some() { passed } else { passed.min(LOOK * 2) };
        self.sample(turn, most.min(cpu.saturating_sub(Duration::from_nanos(before))));
        let Some(first) = first else {
            *seen = Some(Seen::new(turn, cpu));
            return true;
        };
        let budget = Duration::from_nanos(self.budget.load(Ordering::Relaxed));
        let over = cpu.saturating_sub(first.cpu) > budget;
        // Not a later turn, which may have begun meanwhile.
        let same = || {
            self.state
                .compare_exchange(turn, turn | STOPPED, Ordering::SeqCst, Ordering::SeqCst)
        };
        if over && same().is_ok() {
            (self.orders.stop)();
        }
        true
    }

    /// It was stopped, and runs on until V8 looks.
    fn unwinds(&self, cpu: Duration, seen: &mut Option<Seen>) {
        let turn = self.state.load(Ordering::Relaxed);
        let seen = seen.get_or_insert(Seen::new(turn, cpu));
        let since = *seen.stopped.get_or_insert(cpu);
        let Some(why) = self.stopped() else { return };
        let worker = self.culprit();
        // V8 can lose the word, where it was given while a script called something of ours.
        (self.orders.stop)();
        seen.patience.runs_on(&Stopped {
            worker: &worker,
            why,
            thread: (self.thread, self.tid),
            spared: self.spared.as_deref(),
            more: cpu.saturating_sub(since),
        });
        if seen.patience.is_at_its_end() && self.part.is_far_too_large() {
            hang::too_much(&worker);
        }
    }
}

/// For whom an isolate works whose turn runs on this thread.
pub(super) fn at_work_on(thread: ThreadId) -> Option<Culprit> {
    let watched = WATCHED.lock().ok()?;
    let all = watched.iter().filter_map(|(turns, _)| turns.upgrade());
    let mut there = all.filter(|turns| turns.thread == thread && turns.running().is_some());
    there.next().map(|turns| turns.culprit())
}

fn keep_watch() {
    let mut idle = 0;
    let mut process = Process::new();
    let mut looked = Instant::now();
    loop {
        std::thread::sleep(LOOK);
        look_at_memory(&mut process);
        if look_at_all(&mut looked) {
            idle = 0;
            continue;
        }
        idle += 1;
        if idle < IDLE {
            continue;
        }
        ASLEEP.store(true, Ordering::SeqCst);
        // A turn that began before this was seen above or is seen here; a later one wakes us.
        if !look_at_all(&mut looked) {
            std::thread::park();
            looked = Instant::now();
        }
        ASLEEP.store(false, Ordering::SeqCst);
        idle = 0;
    }
}

/// Stops those that make the process grow too much.
fn look_at_memory(process: &mut Process) {
    let Ok(watched) = WATCHED.lock() else { return };
    let Some(mut change) = process.look(watched.len()) else {
        return;
    };
    let all: Vec<_> = watched.iter().filter_map(|(turns, _)| turns.upgrade()).collect();
    drop(watched);
    for turns in &all {
        change.add(turns, turns.running());
    }
    process.share(change);
    for turns in all {
        if turns.part.is_too_large(process.grown()) && turns.stopped().is_none() {
            turns.out_of_memory();
        }
    }
}

fn look_at_all(looked: &mut Instant) -> bool {
    let passed = looked.elapsed();
    *looked = Instant::now();
    let Ok(mut watched) = WATCHED.lock() else { return false };
    let mut any = false;
    watched.retain_mut(|(turns, seen)| match turns.upgrade() {
        Some(turns) => {
            any |= turns.look(seen, passed);
            true
        }
        None => false,
    });
    any
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn computing_ends_and_waiting_does_not() {
        let stopped = Arc::new(AtomicBool::new(false));
        let samples = Arc::new(AtomicU64::new(0));
        let (flag, count) = (Arc::clone(&stopped), Arc::clone(&samples));
        let orders = Orders {
            stop: Box::new(move || flag.store(true, Ordering::SeqCst)),
            sample: Box::new(move || {
                count.fetch_add(1, Ordering::SeqCst);
            }),
        };
        let turns = Turns::watch(Culprit::Owner("test".into(), None), usize::MAX, orders);
        turns.begin(Duration::from_millis(20));
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(turns.end(), None);
        let waited = turns.sampled();
        turns.begin(Duration::from_millis(20));
        let began = Instant::now();
        let mut spent = Duration::ZERO;
        while !stopped.load(Ordering::SeqCst) && began.elapsed() < Duration::from_secs(10) {
            spent += turns.sampled().map_or(Duration::ZERO, |(_, time)| time);
        }
        assert_eq!(turns.end(), Some(Termination::Cpu));
        assert!(samples.load(Ordering::SeqCst) > 2);
        assert_eq!(waited, None, "its turn had ended");
        assert!(
            spent > Duration::from_millis(10) && spent < Duration::from_millis(40),
            "{spent:?}"
        );
    }
}
