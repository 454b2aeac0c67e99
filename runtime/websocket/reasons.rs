//! Why a connection is closed from here, in words for the author and for the peer.

use std::time::Duration;

use super::wire::{Over, Violation};

/// How long a peer has to answer a close.
pub(super) const CLOSING: Duration = Duration::from_secs(5);

/// How long a connection stays whose peer may be in the middle of a message that is read no further: its kernel is to have the close
/// before the connection goes.
pub(super) const LINGERS: Duration = Duration::from_millis(50);

/// Pings and the like in a second, and as many at once.
pub(super) const CONTROL: u32 = 100;

/// What a connection holds for its peer beside one message.
pub(super) const AHEAD: usize = 1 << 20;

/// What the peer is told.
pub(super) type Reason = (u16, &'static str);

pub(super) const GONE: Reason = (1011, "");
pub(super) const STOPS: Reason = (1001, "the server stops");
pub(super) const IDLE: Reason = (1001, "nothing has passed for too long");
pub(super) const TOO_MANY: Reason = (1008, "too many pings");

/// In words for the author, and what the peer is told.
pub(super) fn explain(over: &Over) -> (String, Option<Reason>) {
    match over {
        Over::Violation(Violation::TooLong(most)) => (
            format!("the peer's message is larger than {most} bytes: see limits.websocket_message_kb"),
            Some((1009, "the message is too large")),
        ),
        Over::Violation(Violation::NotUtf8) => (
            "the peer's text is not UTF-8".to_owned(),
            Some((1007, "the text is not UTF-8")),
        ),
        Over::Violation(Violation::Protocol(words)) => (
            format!("the peer breaks the protocol: {words}"),
            Some((1002, "a protocol error")),
        ),
        Over::Closed | Over::Cut => ("the connection ended without a close".to_owned(), None),
        Over::Io(error) => (format!("the connection broke: {error}"), None),
    }
}
