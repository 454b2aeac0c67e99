//! Lines of the log about what is denied: an agent's author reads a 403, and its owner who keeps no record would read nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use workerd_lite_ops::worker_log;

use super::shortened;

/// The same is told once in so long.
const WINDOW: Duration = Duration::from_mins(1);

/// So many different ones of an agent are: it chooses what it asks for.
const LINES: usize = 10;

/// So many agents are remembered.
const AGENTS: usize = 4096;

static TOLD: LazyLock<Mutex<Told>> = LazyLock::new(Mutex::default);

/// Whose request it is, for the log.
pub(crate) struct DenialLine<'a> {
    pub(crate) agent: &'a str,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) request_id: &'a str,
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
}

impl DenialLine<'_> {
    /// Writes a line, where it was not told a moment ago: `why` says by whom or what.
    pub(crate) fn tell(&self, why: &str) {
        // A test has its own ways to see it.
        if worker_log::is_captured() {
            return;
        }
        let Self {
            agent,
            tenant,
            request_id,
            method,
            host,
        } = *self;
        let (method, host) = (shortened(method), shortened(host));
        let whose = format!("{}/{agent}", tenant.unwrap_or_default());
        let line = TOLD.lock().unwrap_or_else(PoisonError::into_inner).next(
            whose,
            format!("{method} {host} {why}"),
            Instant::now(),
        );
        let rest = match line {
            Line::Told => return,
            Line::New => "",
            Line::Last => "; what else of this agent is denied within this minute is in the audit record alone",
        };
        tracing::info!(target: "egress", agent, tenant, request_id, host = &*host, "{method} denied {why}{rest}");
    }
}

#[derive(Debug, Default)]
struct Told(HashMap<String, (Instant, HashSet<String>)>);

#[derive(Debug, PartialEq, Eq)]
enum Line {
    New,
    Last,
    Told,
}

impl Told {
    fn next(&mut self, whose: String, what: String, now: Instant) -> Line {
        if self.0.len() >= AGENTS && !self.0.contains_key(&whose) {
            self.0.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
            if self.0.len() >= AGENTS {
                return Line::Told;
            }
        }
        let (since, told) = self.0.entry(whose).or_insert_with(|| (now, HashSet::new()));
        if now.duration_since(*since) >= WINDOW {
            (*since, *told) = (now, HashSet::new());
        }
        if told.len() >= LINES || !told.insert(what) {
            return Line::Told;
        }
        if told.len() == LINES { Line::Last } else { Line::New }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_a_minute_and_few_of_an_agent() {
        let mut told = Told::default();
        let now = Instant::now();
        let mut next = |what: &str, after| told.next("a".to_owned(), what.to_owned(), now + Duration::from_secs(after));
        assert_eq!(next("x", 0), Line::New);
        assert_eq!(next("x", 59), Line::Told);
        assert_eq!(next("x", 60), Line::New);
        for number in 2..LINES {
            assert_eq!(next(&number.to_string(), 60), Line::New);
        }
        assert_eq!(next("last", 60), Line::Last);
        assert_eq!(next("more", 60), Line::Told);
    }

    #[test]
    fn no_more_agents_are_remembered_than_there_is_room_for() {
        let mut told = Told::default();
        let now = Instant::now();
        for agent in 0..2 * AGENTS {
            told.next(agent.to_string(), "x".to_owned(), now);
        }
        assert_eq!(told.0.len(), AGENTS);
        assert_eq!(told.next("new".to_owned(), "x".to_owned(), now + WINDOW), Line::New);
    }
}
