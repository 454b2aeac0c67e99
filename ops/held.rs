//! What Rust holds for a script, outside of V8's heap and of its buffers: bodies, and the state of compression.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Counts what is held for one isolate, in bytes.
#[derive(Debug, Clone)]
pub struct Held {
    used: Arc<AtomicUsize>,
    limit: usize,
}

/// More would be held than may be.
#[derive(Debug, Clone, Copy, thiserror::Error, deno_error::JsError)]
#[class(range)]
#[error("out of memory: the worker holds more in bodies and streams than its limits.buffers_mb")]
pub struct TooMuch;

/// So much is held until this is dropped.
#[derive(Debug)]
pub struct Hold {
    used: Arc<AtomicUsize>,
    bytes: usize,
}

impl Held {
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
    pub fn take(&self, bytes: usize) -> Result<Hold, TooMuch> {
        let mut hold = Hold {
            used: Arc::clone(&self.used),
            bytes: 0,
        };
        hold.grow(self, bytes)?;
        Ok(hold)
    }

    /// Bytes that are counted for as long as any part of them lives.
    pub fn bytes(&self, bytes: Vec<u8>) -> Result<Bytes, TooMuch> {
        let hold = self.take(bytes.len())?;
        Ok(Bytes::from_owner(Counted { bytes, _hold: hold }))
    }
}

impl Hold {
    /// Counts so many bytes more.
    pub fn grow(&mut self, held: &Held, bytes: usize) -> Result<(), TooMuch> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed);
        if used.saturating_add(bytes) > held.limit {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(TooMuch);
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Counted {
    bytes: Vec<u8>,
    _hold: Hold,
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
        let held = Held::new(10);
        let bytes = held.bytes(vec![1; 6]).unwrap();
        let part = bytes.slice(2..3);
        drop(bytes);
        assert_eq!(held.used(), 6);
        assert!(held.bytes(vec![0; 5]).is_err());
        assert_eq!(held.used(), 6);
        drop(part);
        assert_eq!(held.used(), 0);
        let mut hold = held.take(10).unwrap();
        assert!(hold.grow(&held, 1).is_err());
        drop(hold);
        assert!(held.take(10).is_ok());
    }
}
