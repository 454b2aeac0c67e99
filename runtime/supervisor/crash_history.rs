//! The crash history: what worker processes ended of, told by each to the next. Workers that end processes go into
//! quarantine, and those that do so again and again are ejected for a while.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use workerd_lite_ops::account::AgentId;

use crate::isolate::crash_marker;
use crate::limits::Culprit;

/// How long an end is remembered.
const REMEMBERED: Duration = Duration::from_mins(5);

/// How many ends are forgiven.
const FORGIVEN: u32 = 4;

/// How long a worker is ejected for the first end that is not, and at most.
const EJECTED: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(5));

impl End {
    fn agent(&self) -> AgentId {
        AgentId::new(self.tenant.as_deref(), &self.name)
    }
}

/// One process that ended of an agent, or of what the policy did for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct End {
    tenant: Option<String>,
    name: String,
    /// Milliseconds since the epoch.
    time: u64,
}

/// What a worker process learns of those before it.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// Agents that may have ended the last one.
    pub(crate) suspects: Vec<AgentId>,
    /// Whether another process has served before this one.
    pub(crate) has_served: bool,
    /// Agents that are ejected, and for how long from now.
    pub(crate) ejected: Vec<(AgentId, Duration)>,
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Reads what the last process left, and what those before it did.
pub(super) fn read(record: &File, history: &mut File) -> std::io::Result<Past> {
    let last = crash_marker::read(record)?;
    record.set_len(0)?;
    let mut text = String::new();
    history.rewind()?;
    history.read_to_string(&mut text)?;
    let mut ends: Vec<End> = serde_json::from_str(&text).unwrap_or_default();
    let now = now();
    ends.retain(|end| now.saturating_sub(end.time) < u64::try_from(REMEMBERED.as_millis()).unwrap_or(u64::MAX));
    if let Some(agent) = last.blamed.as_ref().and_then(Culprit::agent) {
        ends.push(End {
            tenant: agent.tenant.as_deref().map(Into::into),
            name: (*agent.name).into(),
            time: now,
        });
    }
    history.set_len(0)?;
    history.rewind()?;
    history.write_all(serde_json::to_string(&ends)?.as_bytes())?;
    Ok(Past {
        has_served: last.blamed.is_some() || !last.ran.is_empty() || !ends.is_empty(),
        ejected: ejected(&ends, now),
        suspects: last
            .blamed
            .iter()
            .chain(&last.ran)
            .filter_map(|worker| worker.agent().cloned())
            .collect(),
    })
}

fn ejected(ends: &[End], now: u64) -> Vec<(AgentId, Duration)> {
    let mut agents: Vec<AgentId> = ends.iter().map(End::agent).collect();
    agents.sort_unstable();
    agents.dedup();
    let ejected = agents.into_iter().filter_map(|agent| {
        let own = ends.iter().filter(|end| end.agent() == agent);
        let latest = own.clone().map(|end| end.time).max()?;
        let over = u32::try_from(own.count())
            .unwrap_or(u32::MAX)
            .checked_sub(FORGIVEN + 1)?;
        let time = EJECTED.0.saturating_mul(2_u32.saturating_pow(over)).min(EJECTED.1);
        let left = time.checked_sub(Duration::from_millis(now.saturating_sub(latest)))?;
        (!left.is_zero()).then_some((agent, left))
    });
    ejected.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ends_processes_again_and_again_is_barred_for_longer_and_longer() {
        let end = |name: &str, time| End {
            tenant: (name == "bad").then(|| "a".into()),
            name: name.into(),
            time,
        };
        let bad = AgentId::new(Some("a"), "bad");
        let mut ends = vec![end("good", 1000)];
        ends.extend((1..=4).map(|number| end("bad", number * 1000)));
        // Another tenant's has the same name, and not the same ends.
        ends.push(End {
            tenant: Some("b".into()),
            ..end("bad", 4500)
        });
        assert_eq!(ejected(&ends, 4000), []);
        ends.push(end("bad", 5000));
        assert_eq!(ejected(&ends, 5500), [(bad.clone(), Duration::from_millis(1500))]);
        assert_eq!(ejected(&ends, 7000), []);
        ends.push(end("bad", 9000));
        assert_eq!(ejected(&ends, 9000), [(bad, Duration::from_secs(4))]);
    }
}
