//! The memory that all processes that read may take together: half of what there is. Who would take more waits until others have read.

use std::collections::VecDeque;
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use super::wanted::is_wanted;
use crate::machine_memory::machine_memory;

/// How often it is looked whether anybody still waits.
const LOOK: Duration = Duration::from_millis(100);

static ROOM: Room = Room::new();

/// All of it, in bytes.
static ALL: LazyLock<u64> = LazyLock::new(|| machine_memory() as u64 / 2);

/// Who has some of it, and who waits for it.
struct Room {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    taken: u64,
    /// Those that wait, in the order in which they came.
    waiting: VecDeque<u64>,
    last: u64,
}

/// A part of the memory, in bytes, for as long as this lives.
pub(super) struct Part {
    of: &'static Room,
    bytes: u64,
}

impl Room {
    const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                taken: 0,
                waiting: VecDeque::new(),
                last: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Waits in turn until there is so much of `all`. What alone is more has it once nobody else has any. Nothing where nobody waits for what is
    /// read any longer.
    fn take(&'static self, bytes: u64, all: u64) -> Option<Part> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last += 1;
        let own = state.last;
        state.waiting.push_back(own);
        loop {
            let is_next = state.waiting.front() == Some(&own);
            let may = is_next && (state.taken == 0 || state.taken.saturating_add(bytes) <= all);
            if may || !is_wanted() {
                state.waiting.retain(|waits| *waits != own);
                if may {
                    state.taken += bytes;
                }
                drop(state);
                self.changed.notify_all();
                // Made where it was taken alone: one that is dropped gives back.
                return may.then(|| Part { of: self, bytes });
            }
            let waited = self.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut state = self.of.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.taken -= self.bytes;
        drop(state);
        self.of.changed.notify_all();
    }
}

/// Waits until so many bytes may be taken, in turn.
pub(super) fn room(bytes: u64) -> Option<Part> {
    ROOM.take(bytes, *ALL)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::super::wanted::Waits;
    use super::*;

    #[test]
    fn together_they_have_no_more_than_there_is() {
        static TESTED: Room = Room::new();
        let large = TESTED.take(8, 10).unwrap();
        let (told, hears) = mpsc::channel();
        let second = std::thread::spawn(move || {
            let part = TESTED.take(20, 10);
            told.send(()).unwrap();
            part.is_some()
        });
        assert!(hears.recv_timeout(LOOK * 3).is_err());
        // Whoever is not waited for leaves, and who came later waits behind who came first.
        let gone = Waits::default();
        let who = gone.told();
        drop(gone);
        assert!(Waits::during(who, || TESTED.take(1, 10)).is_none());
        drop(large);
        assert!(second.join().unwrap());
        assert!(TESTED.take(10, 10).is_some());
        assert_eq!(TESTED.state.lock().unwrap().taken, 0);
    }
}
