//! What a loaded worker has of its loader's, by the places that its script knows.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use workerd_lite_ops::loading::Given;

/// The most that a worker has at once.
const MOST: usize = 1000;

/// What one worker has.
#[derive(Clone, Default)]
pub(super) struct Table(Rc<RefCell<Entries>>);

#[derive(Default)]
struct Entries {
    by_place: HashMap<u32, Given>,
    next: u32,
}

/// What was given for as long as an event lives: dropped, it is taken back.
pub(super) struct Lease {
    table: Table,
    places: Range<u32>,
}

impl Table {
    /// With what is in the worker's `env`, which stays.
    pub(super) fn new(env: Vec<Given>) -> Self {
        let table = Self::default();
        table.add(env);
        table
    }

    fn add(&self, given: Vec<Given>) -> Range<u32> {
        let mut entries = self.0.borrow_mut();
        let first = entries.next;
        for each in given {
            let place = entries.next;
            entries.next = place.wrapping_add(1);
            entries.by_place.insert(place, each);
        }
        first..entries.next
    }

    pub(super) fn get(&self, place: u32) -> Option<Given> {
        self.0.borrow().by_place.get(&place).cloned()
    }

    /// Gives more. Says at which place the first of it is, or why it is too much.
    pub(super) fn lend(&self, given: Vec<Given>) -> Result<(u32, Lease), String> {
        if self.0.borrow().by_place.len() + given.len() > MOST {
            return Err(format!("props: a loaded worker has {MOST} stubs at most at once"));
        }
        let places = self.add(given);
        let lease = Lease {
            table: self.clone(),
            places: places.clone(),
        };
        Ok((places.start, lease))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        for place in self.places.clone() {
            let taken = self.table.0.borrow_mut().by_place.remove(&place);
            // What it holds may give something back itself.
            drop(taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lent_is_taken_back() {
        let table = Table::new(vec![Given::Service(7)]);
        let (first, lease) = table.lend(vec![Given::Service(8), Given::Service(9)]).unwrap();
        assert!(matches!(table.get(first + 1), Some(Given::Service(9))));
        drop(lease);
        assert!(table.get(first).is_none() && table.get(first + 1).is_none());
        assert!(matches!(table.get(0), Some(Given::Service(7))));
        let (again, _lease) = table.lend(vec![Given::Service(1)]).unwrap();
        assert!(again > first + 1, "a place is nobody else's later");
    }

    #[test]
    fn a_worker_has_so_many_at_once() {
        let table = Table::default();
        let many = |count| vec![Given::Service(0); count];
        let (_, lease) = table.lend(many(MOST)).unwrap();
        assert!(table.lend(many(1)).is_err());
        drop(lease);
        assert!(table.lend(many(1)).is_ok());
    }
}
