//! Look-ups of names by the system, which takes a thread for as long as its servers take. They have threads of their own, of which
//! an agent has a share; what came of one is kept for a moment. Whether an address may be dialled is judged afterwards, for each who
//! asks.

use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};
use workerd_lite_ops::account::{Account, AgentId, Kind};
use workerd_lite_ops::work_pool::WorkPool;

/// Threads wait here, and do not compute.
static THREADS: WorkPool = WorkPool::new("look-up", 64, 4);

/// How long an answer is kept. The system does not say how long it is good for.
const GOOD: Duration = Duration::from_secs(10);

/// How long it is kept that there is none.
const BAD: Duration = Duration::from_secs(2);

/// How many answers are kept.
const KEPT: usize = 2048;

/// How many look-ups an agent may wait for.
const WAITING: usize = 256;

/// The addresses of a name, or why there are none.
type Found = Result<Arc<[IpAddr]>, Arc<str>>;

type Running = Pin<Box<dyn Future<Output = Found> + Send>>;

/// Asks for the addresses of a name, however long that takes.
type Ask = fn(&str) -> Result<Vec<IpAddr>, String>;

#[derive(Default)]
struct State {
    answers: HashMap<String, (Found, Instant)>,
    /// By who asks: nobody waits behind what others have queued.
    running: HashMap<(Option<AgentId>, String), WeakShared<Running>>,
}

/// Look-ups of one process.
pub(super) struct Lookups {
    ask: Ask,
    threads: &'static WorkPool,
    state: Mutex<Option<State>>,
}

/// The system's.
pub(super) static SYSTEM: Lookups = Lookups::new(system, &THREADS);

fn system(name: &str) -> Result<Vec<IpAddr>, String> {
    let found = (name, 0).to_socket_addrs().map_err(|error| error.to_string())?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|address| address.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

impl Lookups {
    const fn new(ask: Ask, threads: &'static WorkPool) -> Self {
        Self {
            ask,
            threads,
            state: Mutex::new(None),
        }
    }

    /// The addresses of a name. `timeout` is for all of it; the system may work on for longer.
    pub(super) async fn find(&'static self, name: &str, timeout: Duration) -> std::io::Result<Arc<[IpAddr]>> {
        let account = Account::current();
        let failed = |why: &str| std::io::Error::other(format!("the name can not be resolved: {why}"));
        if let Some(found) = self.answer(name) {
            return found.map_err(|why| failed(&why));
        }
        let waits = account.as_ref().map(|account| account.take(Kind::Lookup, WAITING));
        if let Some(None) = waits {
            return Err(failed("the agent waits for too many names already"));
        }
        match tokio::time::timeout(timeout, self.join(account, name)).await {
            Ok(found) => found.map_err(|why| failed(&why)),
            Err(_) => Err(failed("no answer in time: see [timeouts] lookup")),
        }
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        // Nothing fails while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, name: &str) -> Option<Found> {
        let state = self.state();
        let (found, until) = state.as_ref()?.answers.get(name)?;
        (Instant::now() < *until).then(|| found.clone())
    }

    /// The look-up of this name that this agent waits for already, or one more.
    fn join(&'static self, account: Option<Arc<Account>>, name: &str) -> Shared<Running> {
        let key = (account.as_ref().map(|account| account.id().clone()), name.to_owned());
        let mut state = self.state();
        let running = &mut state.get_or_insert_default().running;
        if let Some(running) = running.get(&key).and_then(WeakShared::upgrade) {
            return running;
        }
        let asked = name.to_owned();
        let job = async move {
            let work = move || {
                let found = (self.ask)(&asked)
                    .and_then(|found| {
                        let none = || "it has no address".to_owned();
                        (!found.is_empty()).then_some(found).ok_or_else(none)
                    })
                    .map(Into::into)
                    .map_err(Into::into);
                self.keep(asked, &found);
                found
            };
            let found = self.threads.run(account.as_ref(), work).await;
            found.unwrap_or_else(|error| Err(error.to_string().into()))
        };
        let shared = (Box::pin(job) as Running).shared();
        if running.len() == running.capacity() {
            running.retain(|_, running| running.upgrade().is_some());
        }
        if let Some(weak) = shared.downgrade() {
            running.insert(key, weak);
        }
        shared
    }

    fn keep(&self, name: String, found: &Found) {
        let now = Instant::now();
        let until = now + if found.is_ok() { GOOD } else { BAD };
        let mut state = self.state();
        let answers = &mut state.get_or_insert_default().answers;
        if answers.len() >= KEPT {
            answers.retain(|_, (_, until)| now < *until);
        }
        if answers.len() >= KEPT {
            let first = answers.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(first) = first.map(|(name, _)| name.clone()) {
                answers.remove(&first);
            }
        }
        answers.insert(name, (found.clone(), until));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static ASKED: AtomicUsize = AtomicUsize::new(0);

    fn ask(name: &str) -> Result<Vec<IpAddr>, String> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        if name.starts_with("slow") {
            std::thread::sleep(Duration::from_millis(1500));
        }
        if name.starts_with("none") {
            return Err("nobody knows it".into());
        }
        Ok(vec![IpAddr::from([192, 0, 2, 1])])
    }

    fn account(tenant: &str) -> Arc<Account> {
        Account::new(AgentId::new(Some(tenant), "bot"), 0, None)
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn names_whose_servers_are_slow_hold_up_nobody_else() {
        static POOL: WorkPool = WorkPool::new("test", 8, 4);
        static LOOKUPS: Lookups = Lookups::new(ask, &POOL);
        let (hostile, victim) = (account("a"), account("b"));
        run(async {
            let names: Vec<_> = (0..12).map(|number| format!("slow-{number}.test")).collect();
            let slow = futures_util::future::join_all(
                names
                    .iter()
                    .map(|name| hostile.meter(LOOKUPS.find(name, Duration::from_millis(300)))),
            );
            let quick = victim.meter(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let began = Instant::now();
                LOOKUPS.find("quick.test", Duration::from_secs(1)).await.unwrap();
                // The same name, which the other waits for, is not waited for in the other's place.
                began.elapsed()
            });
            let (slow, took) = futures_util::future::join(slow, quick).await;
            assert!(took < Duration::from_millis(200), "{took:?}");
            assert!(slow.iter().all(Result::is_err), "{slow:?}");
        });
        assert_eq!(hostile.in_use(Kind::Lookup), 0);
    }

    #[test]
    fn equal_look_ups_are_one_and_answers_are_kept() {
        static POOL: WorkPool = WorkPool::new("test", 4, 4);
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        static LOOKUPS: Lookups = Lookups::new(
            |name| {
                COUNT.fetch_add(1, Ordering::SeqCst);
                ask(name)
            },
            &POOL,
        );
        run(async {
            let time = Duration::from_secs(5);
            let all = futures_util::future::join_all((0..20).map(|_| LOOKUPS.find("slow.test", time))).await;
            assert!(all.iter().all(Result::is_ok));
            LOOKUPS.find("slow.test", time).await.unwrap();
            assert_eq!(COUNT.load(Ordering::SeqCst), 1);
            for _ in 0..3 {
                let error = LOOKUPS.find("none.test", time).await.unwrap_err();
                assert!(error.to_string().contains("nobody knows it"), "{error}");
            }
            assert_eq!(COUNT.load(Ordering::SeqCst), 2);
        });
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        static POOL: WorkPool = WorkPool::new("test", 4, 4);
        static LOOKUPS: Lookups = Lookups::new(ask, &POOL);
        let found: Found = Ok(vec![IpAddr::from([192, 0, 2, 1])].into());
        for number in 0..KEPT * 2 {
            LOOKUPS.keep(format!("{number}.test"), &found);
        }
        assert_eq!(LOOKUPS.state().as_ref().unwrap().answers.len(), KEPT);
    }
}
