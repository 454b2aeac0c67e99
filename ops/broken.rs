//! What is known of why a response's body may have failed, on whichever thread it was seen.

use std::sync::atomic::{AtomicU8, Ordering};

const TOLD: u8 = 1;
const UPSTREAM: u8 = 2;
const CLIENT: u8 = 4;

/// Which bodies of one client's request have failed.
#[derive(Debug, Default)]
pub struct Broken(AtomicU8);

impl Broken {
    fn note(&self, what: u8) {
        self.0.fetch_or(what, Ordering::Relaxed);
    }

    fn has(&self, what: u8) -> bool {
        self.0.load(Ordering::Relaxed) & what != 0
    }

    /// A script's stream has failed, and its owner has read why.
    pub(crate) fn is_told(&self) {
        self.note(TOLD);
    }

    /// An upstream has cut its answer, or was silent for too long.
    pub fn by_upstream(&self) {
        self.note(UPSTREAM);
    }

    /// The client has cut its request.
    pub fn by_client(&self) {
        self.note(CLIENT);
    }

    /// Whether the owner has read why a script's stream has failed.
    pub fn told(&self) -> bool {
        self.has(TOLD)
    }

    /// Whether an upstream's answer has failed.
    pub fn upstream(&self) -> bool {
        self.has(UPSTREAM)
    }

    /// Whether the client's request has failed.
    pub fn client(&self) -> bool {
        self.has(CLIENT)
    }
}
