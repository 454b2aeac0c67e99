//! External memory: what Rust holds for a script outside of V8's heap and buffers, such as bodies and the state of
//! compression.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Counts the external memory of one isolate, in bytes.
#[derive(Debug, Clone)]
pub struct ExternalMemory {
    used: Arc<AtomicUsize>,
    limit: usize,
}

/// The isolate would hold more than it may.
#[derive(Debug, Clone, Copy, thiserror::Error, deno_error::JsError)]
#[class(range)]
#[error("out of memory: the worker holds more in bodies and streams than its limits.buffers_mb")]
pub struct OutOfMemory;

/// Memory that is counted until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    used: Arc<AtomicUsize>,
    bytes: usize,
}

impl ExternalMemory {
    /// Nothing is held yet, and at most so many bytes may be.
    pub fn new(limit: usize) -> Self {
        Self {
            used: Arc::default(),
            limit,
        }
    }

    /// How much is held.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Counts so many bytes.
    pub fn reserve(&self, bytes: usize) -> Result<Reservation, OutOfMemory> {
        let mut reservation = Reservation {
            used: Arc::clone(&self.used),
            bytes: 0,
        };
        reservation.grow(self, bytes)?;
        Ok(reservation)
    }

    /// Bytes that are counted for as long as any part of them lives.
    pub fn bytes(&self, bytes: Vec<u8>) -> Result<Bytes, OutOfMemory> {
        let reservation = self.reserve(bytes.len())?;
        Ok(Bytes::from_owner(Counted {
            bytes,
            _reservation: reservation,
        }))
    }
}

impl Reservation {
    /// Counts so many bytes more.
    pub fn grow(&mut self, memory: &ExternalMemory, bytes: usize) -> Result<(), OutOfMemory> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed);
        if used.saturating_add(bytes) > memory.limit {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(OutOfMemory);
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Counted {
    bytes: Vec<u8>,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(reservation.grow(&memory, 1).is_err());
        drop(reservation);
        assert!(memory.reserve(10).is_ok());
    }
}
