//! V8's pool of pages: what isolates had that are gone is there for those that come, whose heaps then need no fresh memory of the system,
//! which is a quarter of what one takes to be made. V8 empties it when it likes, and not at all where nothing happens: here
//! it is emptied soon after an isolate was stopped, and some time after others have ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;

use super::blank::{Blank, BlankKind};

/// What an isolate was stopped for may be the memory that it had.
const SOON: (Duration, &AtomicBool) = {
    static WAITS: AtomicBool = AtomicBool::new(false);
    (Duration::from_millis(100), &WAITS)
};

/// Where isolates come and go, each has the pages of the one before until then.
const LATER: (Duration, &AtomicBool) = {
    static WAITS: AtomicBool = AtomicBool::new(false);
    (Duration::from_secs(5), &WAITS)
};

/// Bytes of heap of an isolate that was no small one.
const LARGE: usize = 16 << 20;

/// Gives the system the pages of an isolate that was stopped, and whatever else is in the pool.
pub(super) fn empty_soon() {
    empty_after(SOON);
}

/// The same where an isolate has come to its end that had so many bytes of heap: soon, where it is more than the next ones need.
pub(super) fn has_ended(heap: usize) {
    empty_after(if heap > LARGE { SOON } else { LATER });
}

fn empty_after((pause, waits): (Duration, &'static AtomicBool)) {
    if waits.swap(true, Ordering::Relaxed) {
        return;
    }
    let begun = thread::Builder::new().name("page-pool".into()).spawn(move || {
        thread::sleep(pause);
        waits.store(false, Ordering::Relaxed);
        empty();
    });
    if begun.is_err() {
        // The next to end does it.
        waits.store(false, Ordering::Relaxed);
    }
}

/// V8 empties the pool of all where one isolate is told that memory is short: one of nobody's, which has nothing to collect.
fn empty() {
    let Ok(tokio) = Builder::new_current_thread().enable_time().build() else {
        return;
    };
    let _inside = tokio.enter();
    Blank::make(BlankKind::least()).runtime.empty_pool();
}
