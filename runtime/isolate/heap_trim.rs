//! Returns freed memory of `malloc` to the system, which keeps it otherwise.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::libc::malloc_trim;

/// So that many that are stopped at once are one.
const PAUSE: Duration = Duration::from_millis(100);

static SOON: AtomicBool = AtomicBool::new(false);

/// Gives the system what an isolate that was stopped or put away has left free. It takes a while, which is nobody's turn.
pub(crate) fn trim_soon() {
    if SOON.swap(true, Ordering::Relaxed) {
        return;
    }
    let begun = thread::Builder::new().name("heap-trim".into()).spawn(|| {
        thread::sleep(PAUSE);
        SOON.store(false, Ordering::Relaxed);
        trim();
    });
    if begun.is_err() {
        // The next to be stopped does it.
        SOON.store(false, Ordering::Relaxed);
    }
}

#[expect(unsafe_code, reason = "a call of the C library")]
fn trim() {
    // SAFETY: it takes the locks of `malloc` itself, and touches free memory only.
    unsafe { malloc_trim(0) };
}
