//! WebSockets as isolates know them: two ends and messages of bytes between them. An end is a script's, or a connection's, and may be
//! handed on until somebody reads it; what passes then is no longer seen by who had it before.

mod direct;
mod end;
mod handshake;
mod lane;
mod ops;
mod received;
mod resource;

pub use direct::{Direct, Duplex};
pub use end::{SocketEnd, Traffic, socket_pair};
pub(crate) use handshake::prepare;
pub use handshake::{is_handshake, is_websocket, mark};
pub use lane::{Frame, OVERHEAD, Passed};
pub(crate) use ops::{
    OfEvent, op_websocket_accept, op_websocket_buffered, op_websocket_close, op_websocket_end, op_websocket_next,
    op_websocket_pair, op_websocket_send, op_websocket_send_text,
};
pub(crate) use resource::{Counted, count_tcp, keep, take};
pub use resource::{SocketLimits, Sockets};
