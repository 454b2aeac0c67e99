//! One agent's share of what is written: its rate, its places in the queue, and the count of what was not written.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::clock;

/// How many lines of one agent may wait for who reads them.
pub(super) const PLACES: usize = 1024;

/// How often what was not written is told.
pub(super) const TOLD: Duration = Duration::from_secs(1);

/// A line of JSON.
pub(super) fn line(record: &impl serde::Serialize) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(record).ok()?;
    line.push(b'\n');
    Some(line)
}

/// Records that were not written one by one.
#[derive(Debug)]
struct Unwritten {
    since: SystemTime,
    began: Instant,
    /// Of what did not leave, beyond the agent's rate.
    beyond_rate: u64,
    /// There was no place, or writing failed.
    lost: u64,
}

#[derive(Debug)]
pub(super) struct Share {
    /// What waits to be written.
    pub(super) lines: VecDeque<Vec<u8>>,
    /// Places for lines that will come for sure.
    pub(super) reserved: usize,
    /// How many records may be written now.
    left: f64,
    counted: Instant,
    unwritten: Option<Unwritten>,
}

impl Share {
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        Self {
            lines: VecDeque::new(),
            reserved: 0,
            left: rate.into(),
            counted: now,
            unwritten: None,
        }
    }

    /// Whether there are so many places.
    pub(super) fn has_places(&self, wanted: usize) -> bool {
        self.lines.len().saturating_add(self.reserved).saturating_add(wanted) <= PLACES
    }

    /// Whether one more record is within so many a second.
    pub(super) fn is_within(&mut self, rate: u32, now: Instant) -> bool {
        let rate = f64::from(rate);
        let passed = now.saturating_duration_since(self.counted).as_secs_f64();
        self.counted = now;
        self.left = (self.left + passed * rate).min(rate);
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }

    fn unwritten(&mut self) -> &mut Unwritten {
        self.unwritten.get_or_insert_with(|| Unwritten {
            since: clock::wall(),
            began: Instant::now(),
            beyond_rate: 0,
            lost: 0,
        })
    }

    pub(super) fn beyond_rate(&mut self) {
        let unwritten = self.unwritten();
        unwritten.beyond_rate = unwritten.beyond_rate.saturating_add(1);
    }

    pub(super) fn lost(&mut self) {
        let unwritten = self.unwritten();
        unwritten.lost = unwritten.lost.saturating_add(1);
    }

    pub(super) fn has_unwritten(&self) -> bool {
        self.unwritten.is_some()
    }

    /// The record of what was not written, where it is time for one.
    pub(super) fn tell(&mut self, whose: &AgentId, at_once: bool) -> Option<Vec<u8>> {
        if !at_once && self.unwritten.as_ref()?.began.elapsed() < TOLD {
            return None;
        }
        let unwritten = self.unwritten.take()?;
        let time = |time: SystemTime| humantime::format_rfc3339_micros(time).to_string();
        let mut told = json!({
            "event": "records omitted",
            "time": time(clock::wall()),
            "since": time(unwritten.since),
            "agent": &*whose.name,
            "beyond_rate": unwritten.beyond_rate,
            "lost": unwritten.lost,
        });
        if let Some(tenant) = &whose.tenant {
            told["tenant"] = Value::from(&**tenant);
        }
        line(&told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_over_time() {
        let start = Instant::now();
        let mut share = Share::new(10, start);
        let mut within = |after: u64| share.is_within(10, start + Duration::from_millis(after));
        assert_eq!((0..30).filter(|_| within(0)).count(), 10);
        assert_eq!((0..30).filter(|_| within(500)).count(), 5);
        assert_eq!((0..30).filter(|_| within(60_000)).count(), 10);
    }

    #[test]
    fn what_was_not_written_is_told_once() {
        let whose = AgentId::new(Some("acme"), "scout");
        let mut share = Share::new(1, Instant::now());
        assert!(share.tell(&whose, true).is_none());
        share.beyond_rate();
        share.beyond_rate();
        share.lost();
        assert!(share.tell(&whose, false).is_none());
        let told: Value = serde_json::from_slice(&share.tell(&whose, true).unwrap()).unwrap();
        assert_eq!((&told["agent"], &told["tenant"]), (&"scout".into(), &"acme".into()));
        assert_eq!((&told["beyond_rate"], &told["lost"]), (&2.into(), &1.into()));
        assert!(!share.has_unwritten());
    }
}
