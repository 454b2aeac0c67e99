//! What a process tells of its agents: lines go to the log under the agents' names, as this process knows them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use workerd_lite_ops::Termination;
use workerd_lite_ops::account::{Account, AgentId};
use workerd_lite_ops::console_tap::{ConsoleLine, ConsoleTap};
use workerd_lite_ops::worker_log::{Lines, cut};

use crate::boundary::{Hears, Key, Level, Numbers, Told};
use crate::host::agent::Agent;
use crate::host::project::Project;
use crate::limits::Culprit;

/// Lines in a second that a process has beside those of its agents' consoles.
const OWN: u32 = 50;

/// The longest that one agent can have kept others from a policy in one go, generously.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The longest id of a request.
const LONGEST_ID: usize = 128;

/// One agent of a process.
struct Member {
    id: AgentId,
    label: String,
    account: Option<Arc<Account>>,
    tap: Option<ConsoleTap>,
    lines: Lines,
    told: Mutex<Numbers>,
}

/// The agents of a process, in the order that it counts them.
pub(super) struct Members {
    project: Project,
    agents: Vec<Member>,
    /// For whom a policy judges there, where it is one's.
    judges: Option<Key>,
    own: Lines,
}

impl Members {
    /// Of a process that has so many threads, and is a policy's for these agents, where it is one's.
    pub(super) fn of(
        project: &Project,
        members: &[(usize, Arc<Agent>)],
        (threads, judges): (usize, Option<Key>),
    ) -> Arc<dyn Hears> {
        let threads = u32::try_from(threads).unwrap_or(u32::MAX);
        let members = members.iter().map(|(_, agent)| Member {
            id: agent.id(),
            label: agent.worker.label(),
            account: agent.worker.account.clone(),
            tap: agent.worker.console_tap.clone(),
            // Each of its isolates has as many.
            lines: Lines::new(agent.worker.limits.log_lines.saturating_mul(threads)),
            told: Mutex::default(),
        });
        // Who keeps the processes has this: it must not be what keeps them there.
        let mut project = project.clone();
        project.processes = None;
        project.policy_processes = None;
        Arc::new(Self {
            project,
            judges,
            agents: members.collect(),
            own: Lines::new(OWN),
        })
    }

    /// The agent for which a policy says that it has written a line, where it judges for that one.
    fn judged(&self, caller: Option<(Option<String>, String)>) -> Option<AgentId> {
        let (tenant, name) = caller?;
        let id = AgentId::new(tenant.as_deref(), &name);
        let judges = self.judges.as_ref()?;
        (judges.covers(&id) && self.project.knows(&id)).then_some(id)
    }

    fn line(
        &self,
        (level, console): (Level, bool),
        (agent, judged): (Option<u16>, Option<AgentId>),
        request_id: Option<&str>,
        text: &str,
    ) {
        let member = agent.and_then(|agent| self.agents.get(usize::from(agent)));
        let lines = match (member, console) {
            (Some(member), true) => &member.lines,
            _ => &self.own,
        };
        if lines.take(Instant::now()).is_none() {
            return;
        }
        // One that has a single agent is that one's.
        let member = member.or_else(|| self.agents.first().filter(|_| self.agents.len() == 1));
        // What is said of a policy by the host is said of it at work for somebody.
        let policy = judged.as_ref().filter(|_| !console).map(|id| {
            let name = member.map(|member| &*member.id.name).unwrap_or_default();
            Culprit::Owner(name.into(), Some(id.clone())).to_string()
        });
        let worker = member.map_or("an agents' process", |member| &member.label);
        let worker = policy.as_deref().unwrap_or(worker);
        let (agent, tenant) = match (&self.judges, &judged) {
            (None, _) => (
                member.map(|member| &*member.id.name),
                self.agents.first().and_then(|member| member.id.tenant.as_deref()),
            ),
            (Some(_), judged) => (
                judged.as_ref().map(|id| &*id.name),
                judged.as_ref().and_then(|id| id.tenant.as_deref()),
            ),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:=+/".contains(&byte);
        let request_id = request_id.filter(|id| id.len() <= LONGEST_ID && id.bytes().all(plain));
        let text = cut(text);
        if let Some(tap) = member.and_then(|member| member.tap.as_ref()).filter(|_| console) {
            tap.tell(&ConsoleLine {
                worker,
                level: match level {
                    Level::Debug => 0,
                    Level::Info => 1,
                    Level::Warn => 2,
                    Level::Error => 3,
                },
                text: &text,
                trace: None,
            });
        }
        match (console, level) {
            (true, Level::Debug) => tracing::debug!(target: "console", worker, agent, tenant, request_id, "{text}"),
            (true, Level::Info) => tracing::info!(target: "console", worker, agent, tenant, request_id, "{text}"),
            (true, Level::Warn) => tracing::warn!(target: "console", worker, agent, tenant, request_id, "{text}"),
            (true, Level::Error) => tracing::error!(target: "console", worker, agent, tenant, request_id, "{text}"),
            (false, Level::Debug) => tracing::debug!(target: "worker", worker, agent, tenant, request_id, "{text}"),
            (false, Level::Info) => tracing::info!(target: "worker", worker, agent, tenant, request_id, "{text}"),
            (false, Level::Warn) => tracing::warn!(target: "worker", worker, agent, tenant, request_id, "{text}"),
            (false, Level::Error) => tracing::error!(target: "worker", worker, agent, tenant, request_id, "{text}"),
        }
    }

    fn numbers(&self, agent: u16, numbers: Numbers) {
        let numbers = numbers.bounded();
        let Some(member) = self.agents.get(usize::from(agent)) else {
            return;
        };
        let Some(account) = &member.account else { return };
        let before = {
            let mut told = member.told.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *told, numbers)
        };
        let statistics = account.statistics();
        // They are written by nobody else: this agent has no isolate in this process. Where it works apart it may have two processes.
        if self.project.apart.is_none() {
            statistics.isolates.store(numbers.isolates, Ordering::Relaxed);
            statistics.heap.store(numbers.heap, Ordering::Relaxed);
            statistics.buffers.store(numbers.buffers, Ordering::Relaxed);
            statistics.events.store(numbers.events, Ordering::Relaxed);
        }
        for (why, (now, before)) in numbers.stopped.into_iter().zip(before.stopped).enumerate() {
            for _ in before..now.min(before.saturating_add(MOST_STOPPED)) {
                statistics.replaced[0].count(why);
            }
        }
    }
}

/// How many isolates can have been stopped between two reports, generously.
const MOST_STOPPED: u64 = 1000;

impl Hears for Members {
    fn told(&self, told: Told) {
        match told {
            Told::Line {
                level,
                console,
                agent,
                caller,
                request_id,
                text,
            } => {
                // A policy's own lines are all of one script.
                let agent = agent.or(self.judges.as_ref().map(|_| 0));
                let judged = self.judged(caller);
                self.line((level, console), (agent, judged), request_id.as_deref(), &text);
            }
            Told::Dropped(lines) => {
                let text = format!("{lines} lines of its process had no room and were dropped");
                self.line((Level::Warn, false), (None, None), None, &text);
            }
            Told::Numbers(agent, numbers) => self.numbers(agent, numbers),
            Told::Hung { agent, why } => {
                let member = agent.and_then(|agent| self.agents.get(usize::from(agent)));
                if let (Some(member), Some(why), None) = (member, Termination::named(&why), &self.judges) {
                    self.project.blame(&member.id, why);
                }
            }
            Told::HeldUp(whose, micros) => {
                let quarantine = self.judged(Some(whose)).and_then(|id| self.project.quarantine_of(&id));
                if let Some(quarantine) = quarantine {
                    quarantine.record_host(Duration::from_micros(micros).min(LONGEST_WAIT));
                }
            }
            Told::Ready | Told::Refused(_) | Told::Failed(_) => {}
        }
    }

    fn gone(&self) {
        for place in 0..self.agents.len() {
            let Ok(place) = u16::try_from(place) else { return };
            let told = self.agents.get(usize::from(place)).map(|member| member.told.lock());
            let stopped = told
                .and_then(|told| told.ok().map(|told| told.stopped))
                .unwrap_or_default();
            self.numbers(
                place,
                Numbers {
                    stopped,
                    ..Numbers::default()
                },
            );
        }
    }
}
