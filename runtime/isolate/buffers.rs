//! `ArrayBuffer`s live outside of V8's heap: this allocator counts them, isolate by isolate.
//!
//! An allocation beyond the limit fails at first, upon which V8 collects garbage and asks again. V8 would end the
//! process where some of its own calls fail for good, so an isolate that still asks gets its memory, and is stopped.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use deno_core::v8;

use crate::limits::Turns;

/// How often V8 asks for one allocation: after it, after two collections, and after a last one.
const ATTEMPTS: u32 = 4;

/// The buffers of one isolate. V8's threads free them.
pub(super) struct Buffers {
    limit: AtomicUsize,
    used: AtomicUsize,
    refused: AtomicU32,
    turns: OnceLock<Arc<Turns>>,
}

impl Buffers {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: AtomicUsize::new(limit),
            used: AtomicUsize::new(0),
            refused: AtomicU32::new(0),
            turns: OnceLock::new(),
        })
    }

    /// It may have so much from now on.
    pub(super) fn limit_to(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Whom to tell of an isolate that wants too much.
    pub(super) fn watch(&self, turns: Arc<Turns>) {
        let _ = self.turns.set(turns);
    }

    /// Whether V8 has asked for one in vain, and will ask again.
    pub(super) fn are_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed) > 0
    }

    /// An allocator for V8 that counts here.
    #[expect(unsafe_code, reason = "V8 takes an allocator as a table of functions")]
    pub(super) fn allocator(self: &Arc<Self>) -> v8::UniqueRef<v8::Allocator> {
        static TABLE: v8::RustAllocatorVtable<Buffers> = v8::RustAllocatorVtable {
            allocate,
            allocate_uninitialized,
            free,
            drop: forget,
        };
        // SAFETY: the handle is an `Arc`'s, whose count `forget` gives back, and the table is made for its type.
        unsafe { v8::new_rust_allocator(Arc::into_raw(Arc::clone(self)), &TABLE) }
    }

    /// Whether this much more may be allocated.
    fn admit(&self, length: usize) -> bool {
        let used = self.used.fetch_add(length, Ordering::Relaxed).saturating_add(length);
        let limit = self.limit.load(Ordering::Relaxed);
        if used <= limit {
            self.refused.store(0, Ordering::Relaxed);
            return true;
        }
        let attempts = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if attempts >= ATTEMPTS {
            self.refused.store(0, Ordering::Relaxed);
            // One buffer that alone is too large is the script's to hear of, as a `RangeError`.
            if length <= limit {
                if let Some(turns) = self.turns.get() {
                    turns.out_of_memory();
                }
                return true;
            }
        }
        self.used.fetch_sub(length, Ordering::Relaxed);
        false
    }

    #[expect(unsafe_code, reason = "allocates as `malloc` does")]
    fn allocate(&self, length: usize, zeroed: bool) -> *mut c_void {
        if length > isize::MAX as usize - ALIGNMENT || !self.admit(length) {
            return null_mut();
        }
        let Some(layout) = layout(length) else {
            return null_mut();
        };
        // SAFETY: the layout's size is not zero.
        let memory = unsafe { if zeroed { alloc_zeroed(layout) } else { alloc(layout) } };
        if memory.is_null() {
            self.used.fetch_sub(length, Ordering::Relaxed);
        }
        memory.cast()
    }
}

/// As `malloc` aligns.
const ALIGNMENT: usize = 16;

/// An empty buffer has an address of its own too.
fn layout(length: usize) -> Option<Layout> {
    Layout::from_size_align(length.max(1), ALIGNMENT).ok()
}

#[expect(unsafe_code, reason = "the table's type")]
unsafe extern "C" fn allocate(buffers: &Buffers, length: usize) -> *mut c_void {
    buffers.allocate(length, true)
}

#[expect(unsafe_code, reason = "the table's type")]
unsafe extern "C" fn allocate_uninitialized(buffers: &Buffers, length: usize) -> *mut c_void {
    buffers.allocate(length, false)
}

#[expect(unsafe_code, reason = "frees what `allocate` gave")]
unsafe extern "C" fn free(buffers: &Buffers, data: *mut c_void, length: usize) {
    let (false, Some(layout)) = (data.is_null(), layout(length)) else {
        return;
    };
    // SAFETY: V8 frees what it was given by this table, with the length that it asked for, and once.
    unsafe { dealloc(data.cast(), layout) };
    buffers.used.fetch_sub(length, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "gives back the handle's count")]
unsafe extern "C" fn forget(buffers: *const Buffers) {
    // SAFETY: `allocator` made the pointer of an `Arc`, and V8 drops its handle once.
    drop(unsafe { Arc::from_raw(buffers) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_fails_until_it_is_asked_for_again_and_again() {
        let buffers = Buffers::new(1000);
        assert!(buffers.admit(600));
        for _ in 1..ATTEMPTS {
            assert!(!buffers.admit(600));
        }
        assert!(buffers.admit(600));
        assert_eq!(buffers.used.load(Ordering::Relaxed), 1200);
        for _ in 0..10 {
            assert!(!buffers.admit(1001));
        }
    }
}
