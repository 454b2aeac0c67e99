//! Turns: who waits for a place gets it in turn, an agent at a time, and none has more than its share of the places.

use std::collections::{BTreeMap, VecDeque};

use crate::account::AgentId;

/// Who waits: an agent, or the host itself.
pub type Whose = Option<AgentId>;

/// What waits, and who has a place.
pub struct Turns<T> {
    /// What waits, by whose it is. Nobody is here without something.
    queued: BTreeMap<Whose, VecDeque<T>>,
    /// Who waits, in the order of their turns.
    order: VecDeque<Whose>,
    running: BTreeMap<Whose, usize>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Turns<T> {
    /// Nobody waits.
    pub const fn new() -> Self {
        Self {
            queued: BTreeMap::new(),
            order: VecDeque::new(),
            running: BTreeMap::new(),
        }
    }

    /// Something waits from now on.
    pub fn queue(&mut self, whose: Whose, what: T) {
        let queued = self.queued.entry(whose.clone()).or_default();
        queued.push_back(what);
        if queued.len() == 1 {
            self.order.push_back(whose);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// What waits, given up.
    pub fn give_up(&mut self) -> impl Drop + use<T> {
        self.order.clear();
        std::mem::take(&mut self.queued)
    }

    /// Takes a place without waiting, where its share has one.
    pub fn begin(&mut self, whose: &Whose, share: usize) -> bool {
        let may = self.may_run(whose, share);
        if may {
            *self.running.entry(whose.clone()).or_default() += 1;
        }
        may
    }

    fn may_run(&self, whose: &Whose, share: usize) -> bool {
        self.running.get(whose).is_none_or(|running| *running < share)
    }

    /// Whose turn it is, with what waited. It has a place from now on.
    pub fn next(&mut self, share: usize) -> Option<(Whose, T)> {
        let place = self.order.iter().position(|whose| self.may_run(whose, share))?;
        let whose = self.order.remove(place)?;
        let queued = self.queued.get_mut(&whose)?;
        let what = queued.pop_front()?;
        if queued.is_empty() {
            self.queued.remove(&whose);
        } else {
            self.order.push_back(whose.clone());
        }
        *self.running.entry(whose.clone()).or_default() += 1;
        Some((whose, what))
    }

    /// Its place is free again.
    pub fn has_ended(&mut self, whose: &Whose) {
        if let Some(running) = self.running.get_mut(whose) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(whose);
            }
        }
    }
}
