//! How deep the stack is. V8 throws where a script's calls are too deep; what Rust calls itself for a script has no such limit, and
//! V8 ends the process where it is called from beyond its own.

use std::cell::Cell;

use deno_core::op2;

/// How many bytes a script may have used where Rust goes on for it: V8's limit of about 984 KiB, without what
/// deno_web's inspection uses by its own count (640 KiB).
const LEFT_TO_RUST: usize = 280 * 1024;

thread_local! {
    /// Where the stack was when the thread entered an isolate. 0 outside of any.
    static ENTERED: Cell<usize> = const { Cell::new(0) };
}

/// A place near the end of the stack, which grows downwards.
#[inline(never)]
fn here() -> usize {
    let place = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&place)).addr()
}

/// The stack from which a thread is in an isolate, until this is dropped.
pub struct EnteredAt(usize);

impl EnteredAt {
    /// The thread enters an isolate. One that it enters within goes on with the same stack.
    pub fn here() -> Self {
        let before = ENTERED.get();
        if before == 0 {
            ENTERED.set(here());
        }
        Self(before)
    }
}

impl Drop for EnteredAt {
    fn drop(&mut self) {
        ENTERED.set(self.0);
    }
}

/// Whether the script has used more of the stack than leaves enough for what Rust does.
#[op2(fast)]
pub(crate) fn op_stack_is_deep() -> bool {
    let entered = ENTERED.get();
    entered != 0 && entered.saturating_sub(here()) > LEFT_TO_RUST
}
