//! What is opened by a request, beside its answer.

use crate::message::Request;
use crate::tcp::is_connect;
use crate::websocket::is_handshake;

/// What a request asks to open, beside its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// Nothing.
    Nothing,
    /// A WebSocket.
    WebSocket,
    /// A connection of TCP.
    Tcp,
}

impl Opens {
    /// What this one asks for.
    pub fn of(request: &Request) -> Self {
        if is_connect(request) {
            Self::Tcp
        } else if is_handshake(request) {
            Self::WebSocket
        } else {
            Self::Nothing
        }
    }
}
