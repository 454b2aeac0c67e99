//! Links: a pair of sockets, over which both ends call each other. What the other end may make us hold is bounded before memory is taken:
//! heads by their size, bodies by windows, calls by their number.

mod call;
mod connection;
mod frame;
mod handler;
mod run;
mod shared;
mod socket;
mod stream;
mod wire;

pub(crate) use call::{Call, Gone, Incoming, Outgoing};
pub(crate) use connection::Connection;
pub(crate) use handler::Handler;
pub(crate) use wire::Wire;

/// Bytes of one body that may be on their way, and of all together in one direction.
const WINDOW: usize = 64 << 10;
const WINDOWS: usize = 8 << 20;

/// As many bytes of one body may be sent, soon, where its reader has read all that came.
pub(crate) const HALF: usize = WINDOW / 2;

/// The most calls of an agents' process that its parent answers at once. How many an event may have is counted by who knows it.
const CALLS: usize = 4096;

/// Bytes of a head beside the fields of its message: a URL above all.
const OWN: usize = 192 << 10;

/// Bytes that a field has beside its name and value.
const FIELD: usize = 8;

/// Why what came over a link is not what our own end says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// A head breaks a rule.
    #[error("a message on the link is not valid: {0}")]
    Head(&'static str),
    /// A frame breaks a rule.
    #[error("a frame on the link is not valid: {0}")]
    Frame(&'static str),
    /// It does what would cost without an end.
    #[error("{0}")]
    Flood(&'static str),
    /// It gives no sign of life.
    #[error("it did not answer in time")]
    Silent,
    /// The socket broke.
    #[error("the link broke: {0}")]
    Io(#[from] std::io::Error),
}

/// The largest head, in bytes, where a message may have so many bytes of headers.
fn largest_head(headers: usize) -> usize {
    headers + OWN + workerd_lite_ops::head::MAX_FIELDS * FIELD
}
