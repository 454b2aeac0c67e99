//! What a call failed with, as it crosses: a name and a message, and of an agent's all that was thrown. No stack crosses.

use bytes::Bytes;

use crate::error::Termination;

/// Why a call failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The name of its class; that of a DOMException stands after `DOMException `.
    pub name: String,
    /// Its message.
    pub message: String,
    /// What was thrown, as V8's serialiser has written it, without stubs and streams.
    pub value: Option<Bytes>,
    /// Whether agents may read it where it is the policy's: its class is a standard one, or says that they may.
    pub told: bool,
    /// For the owner, where it is known. It crosses nowhere.
    pub stack: String,
    /// Why the other side was stopped, where it was. That is for the owner as well.
    pub stopped: Option<Termination>,
}

/// The same words as workerd's.
const CANCELED: &str = "The destination execution context for this RPC was canceled while the call was still running.";

impl Failure {
    /// One of ours.
    pub fn new(name: &str, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            message: message.into(),
            value: None,
            told: true,
            stack: String::new(),
            stopped: None,
        }
    }

    /// The same words as workerd's.
    pub fn canceled() -> Self {
        Self::new("Error", CANCELED)
    }

    /// Whether it says no more than that the other side ended.
    pub fn is_canceled(&self) -> bool {
        self.message == CANCELED
    }

    /// The same where the other side was stopped. Why is for the owner, and for who has loaded it.
    pub fn stopped(why: Termination) -> Self {
        Self {
            stack: why.to_string(),
            stopped: Some(why),
            ..Self::canceled()
        }
    }

    /// The same words as workerd's.
    pub fn gone() -> Self {
        Self::new("Error", "The destination object for this RPC no longer exists.")
    }
}
