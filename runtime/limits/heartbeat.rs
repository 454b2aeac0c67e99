//! Threads that serve and answer nothing, though they compute nothing: they wait in the system, for a file or a lock that nobody gives them. No CPU time
//! tells of them. Each such thread beats; one thread of the process looks at all of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use nix::unistd::{Pid, gettid};

use super::culprit::Culprit;
use super::hang::{Hang, tell};
use super::watchdog::at_work_on;

/// How often a thread beats, and is looked at.
const BEAT: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 1_000 });

/// After so many beats that did not come, others take over what a thread has not begun; after so many more, its clients are told.
const SILENT: u32 = 5;
const LOST: u32 = 20;

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
static HEARTS: Mutex<Vec<(Weak<Heart>, Silence)>> = Mutex::new(Vec::new());

/// A thread that serves.
struct Heart {
    thread: ThreadId,
    tid: Pid,
    name: String,
    /// Milliseconds since [`BEGUN`].
    last: AtomicU64,
}

fn now() -> u64 {
    u64::try_from(BEGUN.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The calling thread beats as long as this is polled.
pub(crate) async fn beats() {
    static WATCHED: Once = Once::new();
    let thread = std::thread::current();
    let heart = Arc::new(Heart {
        thread: thread.id(),
        tid: gettid(),
        name: thread.name().unwrap_or_default().to_owned(),
        last: AtomicU64::new(now()),
    });
    let watched = (Arc::downgrade(&heart), Silence::default());
    HEARTS.lock().unwrap_or_else(PoisonError::into_inner).push(watched);
    WATCHED.call_once(|| {
        let watching = std::thread::Builder::new().name("heartbeats".into()).spawn(watch);
        if let Err(error) = watching {
            tracing::warn!("threads that wait for ever are not noticed: {error}");
        }
    });
    loop {
        tokio::time::sleep(BEAT).await;
        heart.last.store(now(), Ordering::Relaxed);
    }
}

fn watch() {
    loop {
        std::thread::sleep(BEAT);
        let mut hearts = HEARTS.lock().unwrap_or_else(PoisonError::into_inner);
        hearts.retain_mut(|(heart, silence)| match heart.upgrade() {
            Some(heart) => {
                silence.look(&heart);
                true
            }
            None => false,
        });
    }
}

/// What is known of a thread that does not beat.
#[derive(Default)]
struct Silence {
    /// How often it gave up its processor, when it was looked at before.
    switches: Option<u64>,
    /// In how many looks it was in one and the same wait.
    waits: u32,
    told: bool,
}

impl Silence {
    fn look(&mut self, heart: &Heart) {
        let beats = BEAT.as_millis().try_into().unwrap_or(u64::MAX);
        if now().saturating_sub(heart.last.load(Ordering::Relaxed)) < beats.saturating_mul(2) {
            if self.told {
                tracing::warn!(thread = heart.name, "a thread that answered nothing has come back");
            }
            *self = Self::default();
            return;
        }
        // One that computes, or waits for a processor, is the business of others.
        let switches = waiting(heart.tid);
        let same = switches.is_some() && switches == self.switches;
        self.switches = switches;
        self.waits = if same { self.waits + 1 } else { 0 };
        if self.waits < SILENT {
            return;
        }
        if !std::mem::replace(&mut self.told, true) {
            let worker = at_work_on(heart.thread);
            let (agent, tenant) = worker.as_ref().map_or((None, None), Culprit::whose);
            let waits_in = waits_in(heart.tid);
            tracing::error!(target: "worker", thread = heart.name, agent, tenant, waits_in, "a thread that serves answers nothing, and computes nothing: another takes its place");
            tell(Hang::Silent(heart.thread));
        } else if self.waits == SILENT + LOST {
            tracing::error!(thread = heart.name, "a thread that answers nothing is given up");
            tell(Hang::Lost(
                heart.thread,
                Culprit::Owner(heart.name.as_str().into(), None),
            ));
        }
    }
}

/// How often a thread has given up its processor, where it waits for something but a processor.
fn waiting(tid: Pid) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/self/task/{tid}/status")).ok()?;
    let of = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    // Stopped by a debugger or a signal, it waits for nothing.
    let waits = of("State:").is_some_and(|state| state.starts_with(['S', 'D']));
    waits.then(|| of("voluntary_ctxt_switches:")?.parse().ok()).flatten()
}

/// Where in the system it waits, if that may be known.
fn waits_in(tid: Pid) -> Option<String> {
    let place = std::fs::read_to_string(format!("/proc/self/task/{tid}/wchan")).ok()?;
    (!place.is_empty() && place != "0").then_some(place)
}

#[cfg(test)]
mod tests {
    use super::super::hang::hangs;
    use super::*;

    /// What is heard of a thread that beats, then does this for long, and beats again.
    fn heard(what: impl FnOnce() + Send + 'static) -> Vec<&'static str> {
        let mut hung = hangs();
        let (told, id) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let _ = told.send(std::thread::current().id());
            runtime.unwrap().block_on(async {
                let beating = tokio::spawn(beats());
                tokio::time::sleep(BEAT * 2).await;
                what();
                tokio::time::sleep(BEAT * 4).await;
                beating.abort();
            });
        });
        let id = id.recv().unwrap();
        thread.join().unwrap();
        let all = std::iter::from_fn(|| hung.try_recv().ok());
        all.filter_map(|hang| match hang {
            Hang::Silent(thread) if thread == id => Some("silent"),
            Hang::Lost(thread, _) if thread == id => Some("lost"),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn who_waits_is_noticed_and_who_computes_is_not() {
        assert_eq!(
            heard(|| std::thread::sleep(BEAT * (SILENT + LOST) * 3)),
            ["silent", "lost"]
        );
        let computes = || {
            let began = Instant::now();
            while began.elapsed() < BEAT * (SILENT + LOST) * 2 {}
        };
        assert!(heard(computes).is_empty());
        // It waits again and again.
        let looks = || (0..200).for_each(|_| std::thread::sleep(BEAT / 10));
        assert!(heard(looks).is_empty());
    }
}
