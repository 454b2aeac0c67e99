//! What a coder of `node:zlib` did in one call.

use crate::external_memory::OutOfMemory;

use super::charged::Halted;

/// The most that a coder takes, and the most that it gives, in one call, in bytes: the script between two calls can be stopped.
pub(super) const PIECE: usize = 64 * 1024;

/// zlib's numbers, and one for the coders that have others: [`FAILED`].
pub(super) const OK: i32 = 0;
pub(super) const STREAM_END: i32 = 1;
pub(super) const NEED_DICTIONARY: i32 = 2;
pub(super) const STREAM_ERROR: i32 = -2;
pub(super) const DATA_ERROR: i32 = -3;
pub(super) const MEMORY_ERROR: i32 = -4;
/// No progress without more input or room.
pub(super) const BUFFER_ERROR: i32 = -5;
pub(super) const FAILED: i32 = -100;

/// What a call took and gave.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Step {
    pub(super) status: i32,
    pub(super) read: usize,
    pub(super) written: usize,
}

/// Why a coder has failed, as Node's errors say it.
#[derive(Debug, Clone, Default)]
pub(super) struct Failure {
    pub(super) number: i32,
    pub(super) code: String,
    pub(super) message: String,
}

/// The call may not go on.
#[derive(Debug, Clone, Copy, thiserror::Error, deno_error::JsError)]
pub(super) enum Refused {
    /// The isolate's account has no more.
    #[class(inherit)]
    #[error(transparent)]
    Memory(
        #[from]
        #[inherit]
        OutOfMemory,
    ),
    /// The event's time is over: V8 ends its script.
    #[class(generic)]
    #[error("the computation was stopped")]
    Stopped,
    /// A coder's own mistake.
    #[class(generic)]
    #[error("the coder failed")]
    Broken,
}

impl From<Halted> for Refused {
    fn from(halted: Halted) -> Self {
        match halted {
            Halted::Memory(error) => Self::Memory(error),
            Halted::Stopped => Self::Stopped,
            Halted::Broken => Self::Broken,
        }
    }
}

/// The part of the input for this call, and the flush that is meant for it: only the last part has the caller's.
pub(super) fn piece(input: &[u8], flush: u32) -> (&[u8], u32) {
    match input.split_at_checked(PIECE) {
        Some((piece, rest)) if !rest.is_empty() => (piece, 0),
        _ => (input, flush),
    }
}

/// The part of the output for this call.
pub(super) fn room(output: &mut [u8]) -> &mut [u8] {
    let length = output.len().min(PIECE);
    &mut output[..length]
}
