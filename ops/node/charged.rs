//! Memory for brotli's coders that counts before it is allocated. They have no way to be told that there is none, and none to be
//! stopped: an allocation that may not be, or that comes when the event's time is over, unwinds the coder's call instead.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use brotli::enc::BrotliAlloc;
use brotli::{Allocator, SliceWrapper, SliceWrapperMut};

use crate::external_memory::{ExternalMemory, OutOfMemory, Reservation};
use crate::stop::Stop;

/// Allocates for one coder.
#[derive(Clone)]
pub(super) struct Charged {
    memory: ExternalMemory,
    stop: Option<Stop>,
}

impl Charged {
    /// On an isolate's account. Without an order of its own nothing stops the coder.
    pub(super) const fn new(memory: ExternalMemory, stop: Option<Stop>) -> Self {
        Self { memory, stop }
    }

    /// Counts what a coder holds beside what it allocates here.
    pub(super) fn reserve(&self, bytes: usize) -> Result<Reservation, OutOfMemory> {
        self.memory.reserve(bytes)
    }
}

/// Memory, counted as long as it lives.
pub(super) struct Cells<T> {
    items: Box<[T]>,
    _reservation: Option<Reservation>,
}

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self {
            items: Box::default(),
            _reservation: None,
        }
    }
}

impl<T> SliceWrapper<T> for Cells<T> {
    fn slice(&self) -> &[T] {
        &self.items
    }
}

impl<T> SliceWrapperMut<T> for Cells<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.items
    }
}

impl<T: Clone + Default> Allocator<T> for Charged {
    type AllocatedMemory = Cells<T>;

    fn alloc_cell(&mut self, length: usize) -> Cells<T> {
        if self.stop.as_ref().is_some_and(Stop::is_ordered) {
            resume_unwind(Box::new(Halted::Stopped));
        }
        // No panic: no hook prints it, and `guarded()` is above.
        let reservation = match self.memory.reserve(length.saturating_mul(size_of::<T>())) {
            Ok(reservation) => reservation,
            Err(error) => resume_unwind(Box::new(Halted::Memory(error))),
        };
        Cells {
            items: vec![T::default(); length].into_boxed_slice(),
            _reservation: Some(reservation),
        }
    }

    fn free_cell(&mut self, _cells: Cells<T>) {}
}

impl BrotliAlloc for Charged {}

/// Why a coder's call was given up. The coder is of no use then.
#[derive(Debug, Clone, Copy)]
pub(super) enum Halted {
    Memory(OutOfMemory),
    /// The event's time is over.
    Stopped,
    /// It panicked: a mistake of its own.
    Broken,
}

/// Calls a coder whose memory is [`Charged`].
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Halted> {
    catch_unwind(AssertUnwindSafe(call))
        .map_err(|payload| payload.downcast_ref::<Halted>().copied().unwrap_or(Halted::Broken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_allocated_ends_the_call() {
        let memory = ExternalMemory::new(100);
        let mut charged = Charged::new(memory.clone(), None);
        let cells: Cells<u32> = guarded(|| charged.alloc_cell(20)).unwrap_or_default();
        assert_eq!((cells.slice().len(), memory.used()), (20, 80));
        let more = guarded(|| {
            let cells: Cells<u8> = charged.alloc_cell(21);
            cells
        });
        assert!(matches!(more, Err(Halted::Memory(_))));
        drop(cells);
        assert_eq!(memory.used(), 0);
    }
}
