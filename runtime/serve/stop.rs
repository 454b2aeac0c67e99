//! The end of a server: what is under way is waited for, up to a deadline, and whoever reads the log knows for what.

use std::collections::HashSet;
use std::thread::ThreadId;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::time::{Instant, interval_at, timeout};
use workerd_lite_ops::account::AgentId;

use super::thread_pool::ThreadPool;
use crate::metrics;

/// How often it is told what is waited for.
const TOLD: Duration = Duration::from_secs(5);

/// A signal that comes so soon after the first is the same: `timeout` and supervisors signal a process, and then its group, and a machine
/// under load delivers the two with time between them. Somebody who presses keys twice is faster than who signals twice.
const SAME: Duration = Duration::from_secs(1);
const SAME_KEYS: Duration = Duration::from_millis(300);

/// How long threads have to take apart what was cut.
const CUT: Duration = Duration::from_secs(1);

/// How many agents are named in one line, and have a line of their own at the end.
const NAMED: usize = 20;

/// Waits until nothing is under way, for so long at most; a signal ends it at once. What is left is cut.
pub(super) async fn stop(
    threads: &mut ThreadPool,
    mut lost: HashSet<ThreadId>,
    limit: Duration,
    [interrupt, terminate]: [&mut Signal; 2],
) {
    tracing::info!(
        "stopping: waiting for {}, {} at most; signal again to stop at once",
        list(&metrics::under_way(), metrics::connections()),
        humantime::format_duration(limit),
    );
    let begun = Instant::now();
    let end = begun + limit;
    let mut tell = interval_at(Instant::now() + TOLD, TOLD);
    let mut draining = Box::pin(threads.drain(&mut lost));
    let why = loop {
        tokio::select! {
            () = draining.as_mut() => {
                tracing::info!("stopped: all that was under way is finished");
                return;
            }
            _ = interrupt.recv() => {
                if begun.elapsed() >= SAME_KEYS {
                    break "of a second signal".to_owned();
                }
            }
            _ = terminate.recv() => {
                if begun.elapsed() >= SAME {
                    break "of a second signal".to_owned();
                }
            }
            () = tokio::time::sleep_until(end) => {
                break format!("it took longer than `shutdown`, {}", humantime::format_duration(limit));
            }
            _ = tell.tick() => {
                let left = end.saturating_duration_since(Instant::now()).as_secs();
                tracing::info!("stopping: still waiting for {}, {left}s at most", list(&metrics::under_way(), metrics::connections()));
            }
        }
    };
    drop(draining);
    let left = metrics::under_way();
    tracing::warn!(
        "stopping now, because {why}: cut are {}",
        list(&left, metrics::connections())
    );
    for (AgentId { tenant, name }, requests, events) in left.iter().take(NAMED) {
        tracing::warn!(
            target: "worker",
            agent = &**name,
            tenant = tenant.as_deref(),
            requests,
            events,
            "cut at the end of the server"
        );
    }
    threads.cut();
    if timeout(CUT, threads.drain(&mut lost)).await.is_err() {
        tracing::warn!("a thread does not come back from what it does, and ends with the process");
    }
}

/// What is under way, in words.
fn list(agents: &[(AgentId, usize, usize)], connections: usize) -> String {
    let count = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    let mut parts: Vec<String> = agents
        .iter()
        .take(NAMED)
        .map(|(agent, requests, events)| match requests {
            0 => format!(
                "{} of {agent} whose response was sent (waitUntil)",
                count(*events, "event")
            ),
            requests => format!("{} of {agent}", count(*requests, "request")),
        })
        .collect();
    if agents.len() > NAMED {
        parts.push(format!("those of {}", count(agents.len() - NAMED, "other agent")));
    }
    if parts.is_empty() {
        return format!("no request, {}", count(connections, "open connection"));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_named() {
        let (scout, bot) = (AgentId::new(None, "scout"), AgentId::new(Some("acme"), "bot"));
        assert_eq!(list(&[], 1), "no request, 1 open connection");
        assert_eq!(
            list(&[(scout.clone(), 2, 2), (bot, 0, 1)], 3),
            "2 requests of scout, 1 event of acme/bot whose response was sent (waitUntil)"
        );
        let many = vec![(scout, 1, 1); 22];
        assert!(list(&many, 22).ends_with(", those of 2 other agents"));
    }
}
