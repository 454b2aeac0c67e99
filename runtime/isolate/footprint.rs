//! What all isolates of the process take of its memory together, as far as they tell: their heaps, what they hold outside of
//! these, and what belongs to any isolate.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of the C++ and Rust around a heap, which V8 does not count: measured with `benches/agents`.
const AROUND: usize = 640 << 10;

/// What an isolate is taken for until it has told.
const FRESH: usize = 3 << 20;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static ISOLATES: AtomicUsize = AtomicUsize::new(0);

/// Bytes of all isolates together.
pub(crate) fn total() -> usize {
    BYTES.load(Ordering::Relaxed)
}

/// How many isolates there are.
pub(crate) fn count() -> usize {
    ISOLATES.load(Ordering::Relaxed)
}

/// Bytes that one more isolate may be expected to take.
pub(crate) fn expected() -> usize {
    match count() {
        0 => FRESH,
        count => (total() / count).clamp(FRESH / 2, 4 * FRESH),
    }
}

/// One isolate's part, until this is dropped.
#[derive(Debug)]
pub(super) struct Footprint(usize);

impl Footprint {
    pub(super) fn new() -> Self {
        ISOLATES.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(FRESH, Ordering::Relaxed);
        Self(FRESH)
    }

    /// It has so many bytes in its heap, and so many outside.
    pub(super) fn set(&mut self, heap: usize, outside: usize) {
        let now = heap.saturating_add(outside).saturating_add(AROUND);
        // Numbers of several threads are in one sum, which is right once all have been added.
        BYTES.fetch_add(now.wrapping_sub(std::mem::replace(&mut self.0, now)), Ordering::Relaxed);
    }
}

impl Drop for Footprint {
    fn drop(&mut self) {
        BYTES.fetch_sub(self.0, Ordering::Relaxed);
        ISOLATES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Memory that is put aside for an isolate that is about to be made.
#[derive(Debug)]
pub(crate) struct PutAside(usize);

impl PutAside {
    /// Puts aside what one may be expected to take, where all together then take no more than `most`.
    pub(crate) fn within(most: usize) -> Option<Self> {
        let expected = expected();
        let taken = BYTES.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |total| {
            let total = total.checked_add(expected)?;
            (total <= most).then_some(total)
        });
        taken.ok().map(|_| Self(expected))
    }

    /// Puts it aside whatever the others take.
    pub(crate) fn anyway() -> Self {
        let expected = expected();
        BYTES.fetch_add(expected, Ordering::Relaxed);
        Self(expected)
    }
}

impl Drop for PutAside {
    fn drop(&mut self) {
        BYTES.fetch_sub(self.0, Ordering::Relaxed);
    }
}
