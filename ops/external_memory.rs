//! External memory: what Rust holds for a script outside of V8's heap and buffers, such as bodies and the state of
//! compression.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Counts the external memory of one isolate, in bytes.
#[derive(Debug, Clone)]
pub struct ExternalMemory(Arc<Counter>);

#[derive(Debug)]
struct Counter {
    used: Arc<AtomicUsize>,
    limit: usize,
    outlived: Outlived,
}

/// What isolates have left behind that have ended, for as long as it is held: a response, say, whose client reads slowly.
#[derive(Debug, Clone, Default)]
pub struct Outlived(Vec<Arc<AtomicUsize>>);

impl Outlived {
    /// An isolate has ended.
    pub fn add(&mut self, memory: &ExternalMemory) {
        self.0.retain(|used| used.load(Ordering::Relaxed) > 0);
        if memory.used() > 0 {
            self.0.push(Arc::clone(&memory.0.used));
        }
    }

    fn used(&self) -> usize {
        self.0.iter().map(|used| used.load(Ordering::Relaxed)).sum()
    }
}

/// The isolate would hold more than it may.
#[derive(Debug, Clone, Copy, thiserror::Error, deno_error::JsError)]
#[class(range)]
#[error("out of memory: the worker holds more in bodies and streams than its limits.buffers_mb")]
pub struct OutOfMemory;

/// Memory that is counted until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    memory: ExternalMemory,
    bytes: usize,
}

impl ExternalMemory {
    /// Nothing is held yet, and at most so many bytes may be.
    pub fn new(limit: usize) -> Self {
        Self::beside(Outlived::default(), limit)
    }

    /// The same, of which others hold a part.
    pub fn beside(outlived: Outlived, limit: usize) -> Self {
        Self(Arc::new(Counter {
            used: Arc::default(),
            limit,
            outlived,
        }))
    }

    /// Whether both count the same isolate's.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// How much is held.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// How much may be held.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// Counts so many bytes.
    pub fn reserve(&self, bytes: usize) -> Result<Reservation, OutOfMemory> {
        let mut reservation = Reservation {
            memory: self.clone(),
            bytes: 0,
        };
        reservation.grow(bytes)?;
        Ok(reservation)
    }

    /// Bytes that are counted for as long as any part of them lives.
    pub fn bytes(&self, bytes: Vec<u8>) -> Result<Bytes, OutOfMemory> {
        Ok(self.reserve(bytes.len())?.hold(bytes))
    }
}

impl Reservation {
    /// Counts so many bytes more.
    pub fn grow(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        let Counter { used, limit, outlived } = &*self.memory.0;
        let held = used.fetch_add(bytes, Ordering::Relaxed).saturating_add(outlived.used());
        if held.saturating_add(bytes) > *limit {
            used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(OutOfMemory);
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Counts so many bytes from now on.
    pub fn resize(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        if let Some(more) = bytes.checked_sub(self.bytes) {
            return self.grow(more);
        }
        self.memory.0.used.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        self.bytes = bytes;
        Ok(())
    }

    /// Counts so many bytes less.
    pub fn shrink(&mut self, bytes: usize) {
        let less = bytes.min(self.bytes);
        self.memory.0.used.fetch_sub(less, Ordering::Relaxed);
        self.bytes -= less;
    }

    /// Bytes that are counted for as long as any part of them lives.
    pub fn hold(self, bytes: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        Bytes::from_owner(Held {
            bytes,
            _reservation: self,
        })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.memory.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Held<T> {
    bytes: T,
    _reservation: Reservation,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Held<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_outlives_an_isolate_counts_for_the_next() {
        let mut outlived = Outlived::default();
        let first = ExternalMemory::new(10);
        let kept = first.bytes(vec![1; 6]).unwrap();
        outlived.add(&first);
        let second = ExternalMemory::beside(outlived.clone(), 10);
        assert_eq!(second.used(), 0);
        assert!(second.reserve(5).is_err() && second.reserve(4).is_ok());
        drop(kept);
        assert!(second.reserve(10).is_ok());
        outlived.add(&second);
        assert!(outlived.0.is_empty());
    }

    #[test]
    fn what_is_dropped_counts_no_longer() {
        let memory = ExternalMemory::new(10);
        let bytes = memory.bytes(vec![1; 6]).unwrap();
        let part = bytes.slice(2..3);
        drop(bytes);
        assert_eq!(memory.used(), 6);
        assert!(memory.bytes(vec![0; 5]).is_err());
        assert_eq!(memory.used(), 6);
        drop(part);
        assert_eq!(memory.used(), 0);
        let mut reservation = memory.reserve(10).unwrap();
        assert!(reservation.grow(1).is_err());
        reservation.resize(4).unwrap();
        assert_eq!(memory.used(), 4);
        assert!(reservation.resize(11).is_err());
        reservation.resize(10).unwrap();
        drop(reservation);
        assert!(memory.reserve(10).is_ok());
    }
}
