//! The numbers of agents. So many agents have samples of their own, in the order in which they came; the rest are shown
//! as one, so that a server of thousands of tenants has no more samples than its owner wants.

use std::collections::BTreeMap;
use std::fmt::Error;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use workerd_lite_ops::Termination;
use workerd_lite_ops::account::{Account, AgentId, Kind};
use workerd_lite_ops::statistics::{CLASSES, Statistics};
use workerd_lite_ops::verdict::{By, ConnectError, Verdict};

use super::row::{Labels, Sample, family};
use super::server::POLICY;

/// How many agents have samples of their own, where the owner says nothing.
pub(crate) const AGENTS: usize = 200;

/// The agent by which the rest are shown. No agent can be called so.
const OTHER: &str = "(other)";

const KINDS: [(Kind, &str); 4] = [
    (Kind::Client, "client"),
    (Kind::Upstream, "upstream"),
    (Kind::Lookup, "lookup"),
    (Kind::Job, "job"),
];

/// Numbers of accounts that have ended, and of those that have not.
#[derive(Debug, Default)]
struct Numbers {
    statistics: Statistics,
    /// Seconds of CPU time.
    script: f64,
    host: f64,
    held: usize,
    in_use: [usize; KINDS.len()],
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
    past: Numbers,
}

impl Known {
    /// Adds up accounts that nobody else has any longer.
    fn settle(&mut self) {
        let past = &mut self.past;
        self.accounts.retain(|account| {
            let lives = Arc::strong_count(account) > 1;
            if !lives {
                past.add(account);
            }
            lives
        });
    }

    fn add_to(&self, numbers: &mut Numbers) {
        numbers.merge(&self.past);
        for account in &self.accounts {
            numbers.add(account);
            numbers.add_present(account);
        }
    }
}

#[derive(Debug, Default)]
struct All {
    known: BTreeMap<AgentId, Known>,
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
        let others = &mut self.others;
        self.known.retain(|_, known| {
            known.settle();
            let stays = !known.accounts.is_empty();
            if !stays && !known.shown {
                others.merge(&known.past);
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
    all.settle();
    let shown = all.known.values().filter(|known| known.shown).count() < most;
    all.known.insert(
        account.id().clone(),
        Known {
            shown,
            accounts: vec![Arc::clone(account)],
            past: Numbers::default(),
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
struct Row {
    agent: String,
    tenant: String,
    numbers: Numbers,
}

impl Row {
    fn new(id: &AgentId) -> Self {
        Self {
            agent: id.name.to_string(),
            tenant: id.tenant.as_deref().unwrap_or_default().to_owned(),
            numbers: Numbers::default(),
        }
    }

    fn labels(&self, more: &[(&'static str, &str)]) -> Labels {
        let mut labels = vec![("agent", self.agent.clone()), ("tenant", self.tenant.clone())];
        labels.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        labels
    }

    fn sample<'a>(&self, more: &[(&'static str, &str)], sample: Sample<'a>) -> (Labels, Sample<'a>) {
        (self.labels(more), sample)
    }
}

/// Every row, and the policy's name.
fn rows() -> (Vec<Row>, String) {
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
    let mut nobody = Row::new(NOBODY.id());
    nobody.numbers.add(&NOBODY);
    nobody.numbers.add_present(&NOBODY);
    rows.push(nobody);
    (rows, all.policy.clone())
}

const TERMINATIONS: [Termination; 6] = [
    Termination::Cpu,
    Termination::Memory,
    Termination::Wall,
    Termination::Busy,
    Termination::Ejected,
    Termination::Startup,
];

#[derive(Debug)]
pub(super) struct Agents;

impl Collector for Agents {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let (rows, policy) = rows();
        let (agents, _) = rows.split_at(rows.len().saturating_sub(1));
        requests(&mut encoder, &rows)?;
        egress(&mut encoder, &rows)?;
        kills(&mut encoder, &rows, &policy)?;
        resources(&mut encoder, agents)?;
        isolates(&mut encoder, agents)
    }
}

fn requests(encoder: &mut DescriptorEncoder<'_>, rows: &[Row]) -> Result<(), Error> {
    let classes = || {
        rows.iter().flat_map(|row| {
            let times = row.numbers.statistics.requests.iter().zip(CLASSES);
            times.filter_map(move |(times, class)| {
                let count: u64 = times.get().1.iter().sum();
                (count > 0).then_some((row, class, times, count))
            })
        })
    };
    family(
        encoder,
        (
            "requests",
            "Clients' requests that are over, by the class of their status",
        ),
        classes().map(|(row, class, _, count)| row.sample(&[("status", class)], Sample::Counter(count))),
    )?;
    family(
        encoder,
        (
            "request_duration_seconds",
            "Clients' requests, from their head to the end of their response's body",
        ),
        classes().map(|(row, class, times, _)| row.sample(&[("status", class)], Sample::Times(times))),
    )?;
    family(
        encoder,
        ("requests_in_flight", "Clients' requests that are not over"),
        rows.iter().map(|row| {
            let count = row.numbers.statistics.in_flight.load(Ordering::Relaxed);
            row.sample(&[], Sample::Gauge(count))
        }),
    )
}

fn egress(encoder: &mut DescriptorEncoder<'_>, rows: &[Row]) -> Result<(), Error> {
    let counted = rows.iter().flat_map(|row| {
        let counts = row.numbers.statistics.egress.get();
        let all = Verdict::ALL
            .into_iter()
            .flat_map(|verdict| By::ALL.map(|by| (verdict, by)));
        all.filter_map(move |(verdict, by)| {
            let count = *counts.get(verdict.place(by))?;
            let labels = [("verdict", verdict.word()), ("by", by.word())];
            (count > 0).then(|| row.sample(&labels, Sample::Counter(count)))
        })
    });
    family(
        encoder,
        (
            "egress",
            "Agents' requests on their way out, by what became of them and who said so",
        ),
        counted,
    )?;
    let judged = rows.iter().filter(|row| {
        let (_, buckets) = row.numbers.statistics.policy.get();
        buckets.iter().any(|count| *count > 0)
    });
    family(
        encoder,
        (
            "policy_duration_seconds",
            "Time of the outbound worker until it answered by itself, or asked for something",
        ),
        judged.map(|row| row.sample(&[], Sample::Times(&row.numbers.statistics.policy))),
    )?;
    let errors = rows.iter().flat_map(|row| {
        let counts = row.numbers.statistics.connect_errors.get();
        ConnectError::ALL.into_iter().filter_map(move |kind| {
            let count = *counts.get(kind as usize)?;
            (count > 0).then(|| row.sample(&[("kind", kind.word())], Sample::Counter(count)))
        })
    });
    family(
        encoder,
        (
            "connect_errors",
            "Connections to upstreams that did not come about, by why",
        ),
        errors,
    )
}

fn kills(encoder: &mut DescriptorEncoder<'_>, rows: &[Row], policy: &str) -> Result<(), Error> {
    let ended = rows.iter().flat_map(|row| {
        let counts = row.numbers.statistics.ended.get();
        TERMINATIONS.into_iter().filter_map(move |why| {
            let count = *counts.get(why as usize)?;
            (count > 0).then(|| row.sample(&[("reason", why.word())], Sample::Counter(count)))
        })
    });
    family(
        encoder,
        (
            "events_terminated",
            "Events of agents that were ended for what they used",
        ),
        ended,
    )?;
    let replaced = rows.iter().flat_map(|row| {
        [row.agent.as_str(), policy]
            .into_iter()
            .zip(&row.numbers.statistics.replaced)
            .flat_map(move |(worker, counts)| {
                let counts = counts.get();
                TERMINATIONS.into_iter().filter_map(move |why| {
                    let count = *counts.get(why as usize)?;
                    let mut labels = vec![("worker", worker.to_owned())];
                    labels.extend(row.labels(&[("reason", why.word())]));
                    (count > 0).then_some((labels, Sample::Counter(count)))
                })
            })
    });
    family(
        encoder,
        ("isolates_replaced", "Isolates that were stopped and replaced"),
        replaced,
    )
}

fn resources(encoder: &mut DescriptorEncoder<'_>, agents: &[Row]) -> Result<(), Error> {
    let cpu = agents.iter().flat_map(|row| {
        [("script", row.numbers.script), ("host", row.numbers.host)]
            .map(|(place, seconds)| row.sample(&[("place", place)], Sample::Seconds(seconds)))
    });
    family(
        encoder,
        (
            "agent_cpu_seconds",
            "CPU time that was put down to an agent, in its isolates and the policy's (script) and outside of them (host)",
        ),
        cpu,
    )?;
    family(
        encoder,
        (
            "agent_held_bytes",
            "Bytes that the host holds for an agent, apart from its isolates",
        ),
        agents
            .iter()
            .map(|row| row.sample(&[], Sample::Gauge(row.numbers.held))),
    )?;
    let in_use = agents.iter().flat_map(|row| {
        let counted = row.numbers.in_use.into_iter().zip(KINDS);
        counted.map(|(count, (_, kind))| row.sample(&[("kind", kind)], Sample::Gauge(count)))
    });
    family(
        encoder,
        ("agent_in_use", "Connections, look-ups and jobs of an agent"),
        in_use,
    )
}

fn isolates(encoder: &mut DescriptorEncoder<'_>, agents: &[Row]) -> Result<(), Error> {
    let policy = Row::new(NOBODY.id());
    let all = || {
        let own = agents.iter().map(|row| (row, "agent", &row.numbers.statistics));
        own.chain(std::iter::once((&policy, "policy", &*POLICY)))
    };
    let mut gauge = |what: (&str, &str), of: fn(&Statistics) -> usize| {
        let samples = all().map(|(row, role, numbers)| row.sample(&[("role", role)], Sample::Gauge(of(numbers))));
        family(encoder, what, samples)
    };
    gauge(("isolates", "Isolates"), |numbers| {
        numbers.isolates.load(Ordering::Relaxed)
    })?;
    gauge(
        ("events_open", "Events that are not over, `waitUntil` included"),
        |numbers| numbers.events.load(Ordering::Relaxed),
    )?;
    gauge(
        (
            "isolate_heap_bytes",
            "Bytes that are used of isolates' heaps, as of their last turns",
        ),
        |numbers| numbers.heap.load(Ordering::Relaxed),
    )?;
    gauge(
        (
            "isolate_buffers_bytes",
            "Bytes outside of isolates' heaps: buffers and memories of WebAssembly, as of their last turns",
        ),
        |numbers| numbers.buffers.load(Ordering::Relaxed),
    )
}
