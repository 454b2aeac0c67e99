//! What a loaded worker has of the one that loaded it: its `env`, and the budgets that are the same for both.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::worker_log::Lines;

/// What is given to a loaded worker.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Its `env`, as V8 wrote it.
    pub(crate) env: Vec<u8>,
    /// What is held outside of heaps for both.
    pub(crate) external: ExternalMemory,
    /// The lines that both may log.
    pub(crate) lines: Lines,
    /// What all workers of one loader hold.
    pub(crate) together: Arc<Together>,
    /// Its number among these.
    pub(crate) number: u32,
}

/// What the isolates of one loader's workers hold: bytes of their heaps, and of their buffers.
#[derive(Debug)]
pub(crate) struct Together {
    most: usize,
    held: Mutex<HashMap<u32, usize>>,
}

impl Together {
    /// They may hold so much.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            held: Mutex::default(),
        })
    }

    /// One holds so much now. Gives whether all of them hold more than they may.
    pub(super) fn set(&self, number: u32, bytes: usize) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(number, bytes);
        held.values().fold(0, |sum: usize, bytes| sum.saturating_add(*bytes)) > self.most
    }

    /// One is gone.
    pub(crate) fn forget(&self, number: u32) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }
}
