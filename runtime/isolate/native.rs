//! Memory of `malloc`, which keeps what was freed for the next who asks.

use std::thread;

use nix::libc::malloc_trim;

/// Gives the system what an isolate that was stopped has left free. It takes a while, which is nobody's turn.
pub(super) fn give_back() {
    // The next to be stopped does it, where there is no thread for it.
    let _ = thread::Builder::new().name("give-back".into()).spawn(trim);
}

#[expect(unsafe_code, reason = "a call of the C library")]
fn trim() {
    // SAFETY: it takes the locks of `malloc` itself, and touches free memory only.
    unsafe { malloc_trim(0) };
}
