//! How long an event of the policy takes until it first waits: its agent has held others up for that.

use std::sync::Arc;
use std::time::Duration;

use workerd_lite_ops::Message;
use workerd_lite_ops::account::Account;

use super::cpu_accounting::CpuAccounting;
use crate::limits::Turns;

/// What is shorter holds nobody up.
pub(super) const HELD_UP: Duration = Duration::from_millis(1);

/// An event that has begun.
pub(super) struct EventTime {
    agent: Arc<Account>,
    cpu: Duration,
    /// What samples have said of its agent by then.
    known: Duration,
}

/// Begins to measure what an event takes.
pub(super) fn started(message: &Message, turns: &Turns, cpu_accounting: &CpuAccounting) -> Option<EventTime> {
    let Message::Start(start) = message else { return None };
    let agent = Arc::clone(start.origin.trace.account()?);
    Some(EventTime {
        cpu: turns.cpu()?,
        known: cpu_accounting.known(&agent),
        agent,
    })
}

impl EventTime {
    /// The event waits, or has ended. What samples have said meanwhile is not said twice.
    pub(super) fn end(self, turns: &Turns, cpu_accounting: &CpuAccounting) {
        let Some(cpu) = turns.cpu() else { return };
        let sampled = cpu_accounting.known(&self.agent).saturating_sub(self.known);
        let took = cpu.saturating_sub(self.cpu);
        if took >= HELD_UP {
            cpu_accounting.took(&self.agent, took.saturating_sub(sampled));
        }
    }
}
