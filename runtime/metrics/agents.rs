//! The numbers of agents. So many agents have samples of their own, in the order in which they came; the rest are shown
//! as one, so that a server of thousands of tenants has no more samples than its owner wants.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use workerd_lite_ops::Termination;
use workerd_lite_ops::account::{Account, AgentId, Kind};
use workerd_lite_ops::statistics::Statistics;

use super::row::{Labels, Sample};

/// How many agents have samples of their own, where the owner says nothing.
pub(crate) const AGENTS: usize = 200;

/// The agent by which the rest are shown. No agent can be called so.
const OTHER: &str = "(other)";

pub(super) const KINDS: [(Kind, &str); 4] = [
    (Kind::Client, "client"),
    (Kind::Upstream, "upstream"),
    (Kind::Lookup, "lookup"),
    (Kind::Job, "job"),
];

/// Numbers of accounts that have ended, and of those that have not.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) statistics: Statistics,
    /// Seconds of CPU time.
    pub(super) script: f64,
    pub(super) host: f64,
    pub(super) held: usize,
    pub(super) in_use: [usize; KINDS.len()],
}

impl Numbers {
    /// Adds what an account has counted.
    fn add(&mut self, account: &Account) {
        self.statistics.merge(account.statistics());
        self.script += account.script_cpu().as_secs_f64();
        self.host += account.host_cpu().as_secs_f64();
    }

    /// Adds what it has under way.
    fn add_present(&mut self, account: &Account) {
        let (all, own) = (&self.statistics, account.statistics());
        for (sum, more) in [
            (&all.in_flight, &own.in_flight),
            (&all.events, &own.events),
            (&all.isolates, &own.isolates),
            (&all.heap, &own.heap),
            (&all.buffers, &own.buffers),
        ] {
            sum.fetch_add(more.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.held += account.memory().used();
        for (sum, (kind, _)) in self.in_use.iter_mut().zip(KINDS) {
            *sum += account.in_use(kind);
        }
    }

    /// Adds the sum of others that have ended.
    fn merge(&mut self, other: &Self) {
        self.statistics.merge(&other.statistics);
        self.script += other.script;
        self.host += other.host;
    }
}

/// One agent. It has several accounts while it is loaded anew.
#[derive(Debug)]
struct Known {
    /// Whether it has samples of its own.
    shown: bool,
    accounts: Vec<Arc<Account>>,
    /// Of accounts that have ended.
    past: Option<Box<Numbers>>,
}

impl Known {
    /// Adds up accounts that nobody else has any longer.
    fn settle(&mut self) {
        let past = &mut self.past;
        self.accounts.retain(|account| {
            let lives = Arc::strong_count(account) > 1;
            if !lives {
                past.get_or_insert_default().add(account);
            }
            lives
        });
    }

    fn add_to(&self, numbers: &mut Numbers) {
        if let Some(past) = &self.past {
            numbers.merge(past);
        }
        for account in &self.accounts {
            numbers.add(account);
            numbers.add_present(account);
        }
    }
}

/// From how many agents on those that are gone are not looked for each time that one comes, but after this time.
const MANY: usize = 256;
const SETTLES: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct All {
    known: BTreeMap<AgentId, Known>,
    /// How many of them have samples of their own.
    shown: usize,
    /// When those were looked for that are gone.
    settled: Option<Instant>,
    /// Of agents without samples of their own that are gone.
    others: Numbers,
    /// The policy's name.
    policy: String,
}

static ALL: LazyLock<Mutex<All>> = LazyLock::new(Mutex::default);

/// What no agent is asked for.
static NOBODY: LazyLock<Arc<Account>> = LazyLock::new(|| Account::new(AgentId::new(None, ""), 0, None));

fn all() -> MutexGuard<'static, All> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The account of requests that are for no agent.
pub(crate) fn nobody() -> Arc<Account> {
    Arc::clone(&NOBODY)
}

impl All {
    fn settle(&mut self) {
        let (others, shown) = (&mut self.others, &mut self.shown);
        self.known.retain(|_, known| {
            known.settle();
            let stays = !known.accounts.is_empty();
            if let Some(past) = known.past.as_ref().filter(|_| !stays && !known.shown) {
                others.merge(past);
            }
            if !stays && known.shown {
                *shown -= 1;
            }
            stays
        });
    }

    /// The statistics of an agent that works.
    fn of(&self, agent: &AgentId) -> Option<&Statistics> {
        let account = self.known.get(agent)?.accounts.last()?;
        Some(account.statistics())
    }
}

/// An account is shown for as long as its agent works, by itself where so many agents are not.
pub(crate) fn shows(account: &Arc<Account>, most: usize) {
    let mut all = all();
    if let Some(known) = all.known.get_mut(account.id()) {
        known.accounts.push(Arc::clone(account));
        known.settle();
        return;
    }
    // Not at each of thousands that come at once.
    let recent = all.settled.is_some_and(|at| at.elapsed() < SETTLES);
    if all.known.len() < MANY || !recent {
        all.settle();
        all.settled = Some(Instant::now());
    }
    let shown = all.shown < most;
    all.shown += usize::from(shown);
    all.known.insert(
        account.id().clone(),
        Known {
            shown,
            accounts: vec![Arc::clone(account)],
            past: None,
        },
    );
}

/// An agent's event was ended.
pub(crate) fn ended(agent: &AgentId, why: Termination) {
    if let Some(statistics) = all().of(agent) {
        statistics.ended.count(why as usize);
    }
}

/// An isolate was stopped for an agent, and replaced: the agent's own, or the policy's of this name.
pub(crate) fn replaced(policy: Option<&str>, agent: Option<&AgentId>, why: Termination) {
    let mut all = all();
    if let Some(name) = policy {
        name.clone_into(&mut all.policy);
    }
    let statistics = agent.and_then(|agent| all.of(agent));
    let whose = usize::from(policy.is_some());
    statistics.unwrap_or(NOBODY.statistics()).replaced[whose].count(why as usize);
}

/// Agents with clients' requests under way, and those that have events only: how many of each.
pub(crate) fn under_way() -> Vec<(AgentId, usize, usize)> {
    let all = all();
    let counted = all.known.iter().map(|(id, known)| {
        let sum = |of: fn(&Statistics) -> usize| known.accounts.iter().map(|account| of(account.statistics())).sum();
        (
            id.clone(),
            sum(|statistics| statistics.in_flight.load(Ordering::Relaxed)),
            sum(|statistics| statistics.events.load(Ordering::Relaxed)),
        )
    });
    counted.filter(|(_, requests, events)| requests + events > 0).collect()
}

/// One agent's numbers, under the names that it is shown by.
pub(super) struct Row {
    pub(super) agent: String,
    tenant: String,
    pub(super) numbers: Numbers,
}

impl Row {
    fn new(id: &AgentId) -> Self {
        Self {
            agent: id.name.to_string(),
            tenant: id.tenant.as_deref().unwrap_or_default().to_owned(),
            numbers: Numbers::default(),
        }
    }

    pub(super) fn labels(&self, more: &[(&'static str, &str)]) -> Labels {
        let mut labels = vec![("agent", self.agent.clone()), ("tenant", self.tenant.clone())];
        labels.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        labels
    }

    pub(super) fn sample<'a>(&self, more: &[(&'static str, &str)], sample: Sample<'a>) -> (Labels, Sample<'a>) {
        (self.labels(more), sample)
    }
}

/// The row of what belongs to no agent.
pub(super) fn of_nobody() -> Row {
    Row::new(NOBODY.id())
}

/// Every row, and the policy's name.
pub(super) fn rows() -> (Vec<Row>, String) {
    let mut all = all();
    all.settle();
    let mut others = Row::new(&AgentId::new(None, OTHER));
    others.numbers.merge(&all.others);
    let mut rows = Vec::new();
    let mut hidden = false;
    for (id, known) in &all.known {
        if known.shown {
            let mut row = Row::new(id);
            known.add_to(&mut row.numbers);
            rows.push(row);
        } else {
            hidden = true;
            known.add_to(&mut others.numbers);
        }
    }
    if hidden {
        rows.push(others);
    }
    let mut nobody = of_nobody();
    nobody.numbers.add(&NOBODY);
    nobody.numbers.add_present(&NOBODY);
    rows.push(nobody);
    (rows, all.policy.clone())
}
