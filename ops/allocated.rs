//! Brotli's memory, counted as it is asked for: what it takes depends on the window that a stream names, and on its length.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use brotli::enc::BrotliAlloc;
use brotli::{Allocator, SliceWrapper, SliceWrapperMut};

/// Allocates, and knows how many bytes of that are in use.
#[derive(Debug, Clone, Default)]
pub(crate) struct CountingAllocator(Arc<AtomicUsize>);

impl CountingAllocator {
    /// Bytes in use.
    pub(crate) fn used(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A part of it.
pub(crate) struct Allocated<T> {
    items: Box<[T]>,
    used: Option<Arc<AtomicUsize>>,
}

impl<T> Default for Allocated<T> {
    fn default() -> Self {
        Self {
            items: Box::default(),
            used: None,
        }
    }
}

impl<T> Drop for Allocated<T> {
    fn drop(&mut self) {
        if let Some(used) = &self.used {
            used.fetch_sub(size_of_val(&*self.items), Ordering::Relaxed);
        }
    }
}

impl<T> SliceWrapper<T> for Allocated<T> {
    fn slice(&self) -> &[T] {
        &self.items
    }
}

impl<T> SliceWrapperMut<T> for Allocated<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.items
    }
}

impl<T: Clone + Default> Allocator<T> for CountingAllocator {
    type AllocatedMemory = Allocated<T>;

    fn alloc_cell(&mut self, len: usize) -> Allocated<T> {
        let items = vec![T::default(); len].into_boxed_slice();
        self.0.fetch_add(size_of_val(&*items), Ordering::Relaxed);
        Allocated {
            items,
            used: Some(Arc::clone(&self.0)),
        }
    }

    fn free_cell(&mut self, _data: Allocated<T>) {}
}

impl BrotliAlloc for CountingAllocator {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_counts_no_longer() {
        let mut allocator = CountingAllocator::default();
        let words: Allocated<u32> = allocator.alloc_cell(10);
        let bytes: Allocated<u8> = allocator.alloc_cell(3);
        assert_eq!(allocator.used(), 43);
        <CountingAllocator as Allocator<u32>>::free_cell(&mut allocator, words);
        assert_eq!(allocator.used(), 3);
        drop(bytes);
        assert_eq!(allocator.used(), 0);
    }
}
