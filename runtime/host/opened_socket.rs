//! WebSockets between whoever accepts connections and an instance, as extensions of `http` types.

use std::sync::{Arc, Mutex, PoisonError};

use workerd_lite_ops::websocket::SocketEnd;

/// A request's handshake is in order, and whoever accepted it will open what is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsksForSocket;

/// The end of a response's WebSocket that is the client's. Extensions must be copied: who takes it first has it.
#[derive(Debug, Clone)]
pub(crate) struct OpenedSocket(Arc<Mutex<Option<SocketEnd>>>);

impl OpenedSocket {
    pub(super) fn new(end: SocketEnd) -> Self {
        Self(Arc::new(Mutex::new(Some(end))))
    }

    /// The end, once.
    pub(crate) fn take(&self) -> Option<SocketEnd> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
