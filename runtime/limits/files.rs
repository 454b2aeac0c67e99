//! File descriptors, which all agents share: a number for each use, of which no agent takes what others need.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::process::{Resource, getrlimit, setrlimit};
use workerd_lite_ops::account::{Account, Kind, Place};

/// Descriptors for what is neither a client's connection nor one to an upstream: listeners, files, threads, questions to DNS. At
/// least so many, and a part of all.
const OURS: usize = 64;
const OURS_OF: usize = 16;

/// A client's connection takes two.
const OF_A_CLIENT: usize = 2;

/// The part of descriptors that is for agents' processes, where there are any, and how many of those there may be however few descriptors.
const PROCESSES_OF: usize = 3;
const FEWEST: usize = 4;

/// How many there may be where the system has no limit.
const ENOUGH: u64 = 1 << 20;

/// Lets this process have as many files as it may. Where that fails it has what it has.
pub(crate) fn raise() {
    let mut limits = getrlimit(Resource::Nofile);
    limits.current = limits.maximum;
    let _ = setrlimit(Resource::Nofile, limits);
}

/// One use of descriptors.
#[derive(Debug)]
pub(crate) struct Budget {
    most: OnceLock<usize>,
    used: AtomicUsize,
    /// How many of this kind a number of descriptors is for.
    of: fn(usize) -> usize,
}

/// Clients' connections that have asked for an agent. Half of the descriptors are for clients.
pub(crate) static CLIENTS: Budget = Budget::new(|files| files / 2 / OF_A_CLIENT);

/// Connections to upstreams, with the other half.
pub(crate) static UPSTREAMS: Budget = Budget::new(|files| files / 2);

/// How many agents' processes there may be that take so many descriptors each: a third of all is for them.
pub(crate) fn shared_by(each: usize) -> usize {
    (all() / PROCESSES_OF / each.max(1)).max(FEWEST)
}

/// All descriptors but ours.
fn all() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(ENOUGH);
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    files.saturating_sub(OURS.max(files / OURS_OF))
}

impl Budget {
    const fn new(of: fn(usize) -> usize) -> Self {
        Self {
            most: OnceLock::new(),
            used: AtomicUsize::new(0),
            of,
        }
    }

    /// How many there may be in all, as of the first time that anybody asks.
    pub(crate) fn most(&self) -> usize {
        *self.most.get_or_init(|| (self.of)(all()).max(8))
    }

    /// One more for an agent, which may have `most`, and no more than are left for others: one agent gets half of all, two get a
    /// third each.
    pub(crate) fn take(&'static self, account: &Arc<Account>, kind: Kind, most: usize) -> Option<Held> {
        let left = self.most().saturating_sub(self.used.load(Ordering::Relaxed));
        let place = account.take(kind, most.min(left))?;
        self.used.fetch_add(1, Ordering::Relaxed);
        Some(Held {
            budget: self,
            _place: place,
        })
    }
}

/// One of a use, until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: &'static Budget,
    _place: Place,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use workerd_lite_ops::account::AgentId;

    use super::*;

    #[test]
    fn agents_leave_some_for_others() {
        static BUDGET: Budget = Budget::new(|_| 120);
        let account = |name: &str| Account::new(AgentId::new(None, name), 0, None);
        let all = |account: &Arc<Account>, most| -> Vec<Held> {
            std::iter::from_fn(|| BUDGET.take(account, Kind::Upstream, most)).collect()
        };
        let (one, two, victim) = (account("one"), account("two"), account("victim"));
        let first = all(&one, 1000);
        assert_eq!(first.len(), 60);
        let second = all(&two, 1000);
        assert_eq!(second.len(), 30);
        assert_eq!(all(&victim, 3).len(), 3);
        drop((first, second));
        assert_eq!(all(&victim, 50).len(), 50);
        assert_eq!(BUDGET.used.load(Ordering::Relaxed), 0);
    }
}
