//! Blank isolates that a thread keeps ready for what its workers load, and for agents where these are many: made while it has nothing else to do, and in nobody's time, which is
//! put down to who takes them. They count as memory of all isolates, and go first where that is short.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use deno_core::unsync::spawn;
use tokio::sync::oneshot;

use super::isolates::Isolates;
use crate::isolate::footprint::PutAside;
use crate::isolate::{Blank, BlankKind};

/// How many are ready at most.
const MOST: usize = 2;

/// How long one is kept that nobody takes.
const UNUSED: Duration = Duration::from_mins(1);

/// A thread that is back from this pause by so little later has nothing to do.
const PAUSE: Duration = Duration::from_millis(2);
const LATE: Duration = Duration::from_millis(2);

/// How often it is asked whether there is time. What loads next asks again.
const ATTEMPTS: u32 = 50;

/// How many are asked to leave for one.
const ASKED: u32 = 8;

/// What came of making one more.
enum Made {
    One,
    Enough,
    /// There is no memory for it.
    Full,
}

/// Those of one thread.
pub(super) struct Blanks {
    isolates: Arc<Isolates>,
    ready: RefCell<Vec<Ready>>,
    wanted: Cell<Option<BlankKind>>,
    filling: Cell<bool>,
    last: Cell<u64>,
    this: Weak<Self>,
}

struct Ready {
    blank: Blank,
    number: u64,
    _room: PutAside,
    /// Dropped with it.
    _waits: oneshot::Sender<()>,
}

impl Blanks {
    /// None are ready yet.
    pub(super) fn new(isolates: &Arc<Isolates>) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            isolates: Arc::clone(isolates),
            ready: RefCell::default(),
            wanted: Cell::default(),
            filling: Cell::default(),
            last: Cell::default(),
            this: Weak::clone(this),
        })
    }

    /// Takes one of a kind, where one is ready, and has others made of it.
    pub(super) fn take(&self, kind: BlankKind) -> Option<Blank> {
        let taken = {
            let mut ready = self.ready.borrow_mut();
            let place = ready.iter().position(|ready| ready.blank.kind() == kind);
            place.map(|place| ready.remove(place))
        };
        self.prepare(kind);
        taken.map(|ready| ready.blank)
    }

    /// Has some made of a kind.
    pub(super) fn prepare(&self, kind: BlankKind) {
        self.wanted.set(Some(kind));
        self.fill();
    }

    /// Drops all of them, and makes no more.
    pub(super) fn clear(&self) {
        self.wanted.set(None);
        self.ready.take();
    }

    fn fill(&self) {
        if self.filling.replace(true) {
            return;
        }
        let this = Weak::clone(&self.this);
        spawn(async move {
            let mut full = 0;
            while full < ASKED && has_time().await {
                let Some(blanks) = this.upgrade() else { return };
                match blanks.make() {
                    Made::One => {}
                    Made::Enough => break,
                    // Of those that somebody used, whichever comes next is to leave for the next that is asked for.
                    Made::Full if blanks.isolates.ask_used() => full += 1,
                    Made::Full => break,
                }
            }
            if let Some(blanks) = this.upgrade() {
                blanks.filling.set(false);
            }
        });
    }

    /// Makes one more of what is wanted.
    fn make(&self) -> Made {
        let Some(kind) = self.wanted.get() else {
            return Made::Enough;
        };
        let others = {
            let ready = self.ready.borrow();
            let same = ready.iter().filter(|ready| ready.blank.kind() == kind).count();
            if same >= MOST {
                return Made::Enough;
            }
            ready.len() >= MOST
        };
        if others {
            // Of another kind, and the oldest.
            let place = self.ready.borrow().iter().position(|ready| ready.blank.kind() != kind);
            let gone = place.map(|place| self.ready.borrow_mut().remove(place));
            drop(gone);
        }
        let Some(room) = PutAside::within(self.isolates.limits.memory) else {
            return Made::Full;
        };
        let number = self.last.get().wrapping_add(1);
        self.last.set(number);
        let (waits, taken) = oneshot::channel();
        self.ready.borrow_mut().push(Ready {
            blank: Blank::make(kind),
            number,
            _room: room,
            _waits: waits,
        });
        let (place, this) = (self.isolates.keep_spare(), Weak::clone(&self.this));
        spawn(async move {
            tokio::select! {
                _ = taken => return,
                () = place.is_spared(UNUSED) => {}
            }
            let Some(blanks) = this.upgrade() else { return };
            let mut ready = blanks.ready.borrow_mut();
            let found = ready.iter().position(|ready| ready.number == number);
            let gone = found.map(|found| ready.remove(found));
            drop(ready);
            drop(gone);
        });
        Made::One
    }
}

/// Waits until the thread has nothing to do, as far as a timer can tell. Gives up where it always has.
async fn has_time() -> bool {
    for _ in 0..ATTEMPTS {
        let began = Instant::now();
        tokio::time::sleep(PAUSE).await;
        if began.elapsed() < PAUSE + LATE {
            return true;
        }
    }
    false
}
