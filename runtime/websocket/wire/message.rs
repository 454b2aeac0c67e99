//! What passes over a connection, and what a peer may do wrong.

use bytes::Bytes;

/// What comes, whole.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::websocket) enum Message {
    /// In UTF-8.
    Text(Bytes),
    Binary(Bytes),
    /// It is answered already.
    Ping(usize),
    /// With so many bytes, as a ping.
    Pong(usize),
    /// It is answered already. Nothing where the peer gave no code.
    Close(Option<(u16, String)>),
}

/// How a peer breaks the protocol, or a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::websocket) enum Violation {
    /// A message of more than so many bytes, as it is or inflated.
    #[error("a message is larger than {0} bytes")]
    TooLong(usize),
    #[error("the text is not UTF-8")]
    NotUtf8,
    #[error("{0}")]
    Protocol(&'static str),
}

/// Why nothing more comes.
#[derive(Debug, thiserror::Error)]
pub(in crate::websocket) enum Over {
    /// Both sides have closed it.
    #[error("it is closed")]
    Closed,
    /// The connection ended without a close.
    #[error("the connection ended without a close")]
    Cut,
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
