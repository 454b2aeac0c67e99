//! Shares: what each caller of one isolate has of its places for events and of its memory. No caller takes more than half of
//! what the others leave, so that there is always something left for one more.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::origin::CallerId;

#[derive(Debug, Default, Clone, Copy)]
struct Used {
    events: usize,
    bytes: usize,
}

/// What the callers of one isolate have.
#[derive(Debug)]
pub struct Shares {
    /// How many events there may be, queued ones too.
    events: usize,
    /// How many bytes may be held for them.
    bytes: usize,
    /// Whether there is more than one caller.
    crowded: bool,
    all: Cell<Used>,
    /// How many events have a handler or `waitUntil` promises at work, or are queued.
    at_work: Cell<usize>,
    /// Callers that have something.
    each: RefCell<HashMap<CallerId, Used>>,
}

/// What is held for one event, until it ends.
#[derive(Debug)]
pub struct Holding {
    shares: Rc<Shares>,
    caller: CallerId,
    bytes: Cell<usize>,
    ended: Cell<bool>,
    settled: Cell<bool>,
}

/// An event that has not ended, queued or under way.
#[derive(Debug)]
pub struct Live(Rc<Holding>);

impl Default for Shares {
    fn default() -> Self {
        Self::new(usize::MAX, usize::MAX, 1)
    }
}

impl Shares {
    /// For so many events, bytes and callers. A single caller has all of it.
    pub fn new(events: usize, bytes: usize, callers: usize) -> Self {
        Self {
            events,
            bytes,
            crowded: callers > 1,
            all: Cell::default(),
            at_work: Cell::default(),
            each: RefCell::default(),
        }
    }

    /// How many events have not ended.
    pub fn live(&self) -> usize {
        self.all.get().events
    }

    /// How many of them do something yet, and do not only wait until what they gave is read or closed.
    pub fn at_work(&self) -> usize {
        self.at_work.get()
    }

    /// Whether one caller has all events that there are.
    pub fn is_one_callers(&self) -> bool {
        self.each.borrow().len() == 1
    }

    /// Whether more than one caller may come.
    pub fn is_crowded(&self) -> bool {
        self.crowded
    }

    fn may(&self, own: usize, all: usize, more: usize, most: usize) -> bool {
        let others = all - own;
        let own = own.saturating_add(more);
        if self.crowded {
            own <= most.saturating_sub(others) / 2
        } else {
            own <= most
        }
    }

    fn change(&self, caller: CallerId, change: impl Fn(&mut Used)) {
        let mut all = self.all.get();
        change(&mut all);
        self.all.set(all);
        let mut each = self.each.borrow_mut();
        let own = each.entry(caller).or_default();
        change(own);
        if own.events == 0 {
            each.remove(&caller);
        }
    }

    /// A place for an event that holds so many bytes, where its caller may have it.
    pub fn admit(self: &Rc<Self>, caller: CallerId, bytes: usize) -> Option<Live> {
        let (own, all) = (self.own(caller), self.all.get());
        if !self.may(own.events, all.events, 1, self.events) || !self.may(own.bytes, all.bytes, bytes, self.bytes) {
            return None;
        }
        self.change(caller, |used| {
            used.events += 1;
            used.bytes += bytes;
        });
        self.at_work.set(self.at_work.get() + 1);
        Some(Live(Rc::new(Holding {
            shares: Rc::clone(self),
            caller,
            bytes: Cell::new(bytes),
            ended: Cell::new(false),
            settled: Cell::new(false),
        })))
    }

    fn own(&self, caller: CallerId) -> Used {
        self.each.borrow().get(&caller).copied().unwrap_or_default()
    }
}

impl Holding {
    /// Holds so many bytes more for the event, where its caller may.
    pub fn hold(&self, bytes: usize) -> bool {
        let shares = &self.shares;
        let (own, all) = (shares.own(self.caller), shares.all.get());
        if self.ended.get() || !shares.may(own.bytes, all.bytes, bytes, shares.bytes) {
            return false;
        }
        shares.change(self.caller, |used| used.bytes += bytes);
        self.bytes.set(self.bytes.get() + bytes);
        true
    }
}

impl Live {
    /// What is held for it.
    pub fn holding(&self) -> Rc<Holding> {
        Rc::clone(&self.0)
    }

    /// Its handler and its `waitUntil` promises have settled, or go on.
    pub fn settles(&self, settled: bool) {
        if self.0.settled.replace(settled) != settled {
            let at_work = &self.0.shares.at_work;
            at_work.set(if settled { at_work.get() - 1 } else { at_work.get() + 1 });
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.settles(true);
        let holding = &self.0;
        holding.ended.set(true);
        let bytes = holding.bytes.get();
        holding.shares.change(holding.caller, |used| {
            used.events -= 1;
            used.bytes -= bytes;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_place_for_one_more_whatever_the_others_take() {
        let shares = Rc::new(Shares::new(100, usize::MAX, 3));
        let flood: Vec<_> = (0..1000).map_while(|_| shares.admit(0, 0)).collect();
        let other: Vec<_> = (0..1000).map_while(|_| shares.admit(1, 0)).collect();
        assert_eq!((flood.len(), other.len()), (50, 25));
        assert!(shares.admit(2, 0).is_some());
        assert_eq!(shares.at_work(), 75);
        flood[0].settles(true);
        flood[0].settles(true);
        other[0].settles(true);
        assert_eq!((shares.at_work(), shares.live()), (73, 75));
        other[0].settles(false);
        assert_eq!(shares.at_work(), 74);
        drop((flood, other));
        assert_eq!(shares.at_work(), 0);
        assert_eq!(shares.live(), 0);
        let alone = Rc::new(Shares::new(100, usize::MAX, 1));
        let all: Vec<_> = (0..1000).map_while(|_| alone.admit(0, 0)).collect();
        assert_eq!(all.len(), 100);
    }

    #[test]
    fn what_is_held_is_given_back_with_the_event() {
        let shares = Rc::new(Shares::new(100, 100, 2));
        let live = shares.admit(0, 10).unwrap();
        let holding = live.holding();
        assert!(holding.hold(40) && !holding.hold(1));
        assert!(shares.is_one_callers());
        assert!(shares.admit(1, 26).is_none() && shares.admit(1, 25).is_some());
        drop(live);
        assert!(!holding.hold(1), "its event has ended");
        assert!(shares.admit(1, 50).is_some());
        assert_eq!(shares.all.get().bytes, 0);
    }
}
