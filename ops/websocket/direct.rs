//! A connection that is offered to the one at the other end of its WebSocket: where no script stands in between, one task moves the
//! messages of both.

use std::fmt;

use tokio::io::{AsyncRead, AsyncWrite};

use super::resource::SocketLimits;

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection of which nothing was read, and what its messages may be.
pub struct Direct {
    /// Its bytes.
    pub stream: Box<dyn Duplex>,
    /// What it may use.
    pub limits: SocketLimits,
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Direct")
    }
}
