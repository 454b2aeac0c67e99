//! TCP as isolates know it: `connect()` of `cloudflare:sockets`. A connection is asked for by a request of the method `CONNECT`, which no
//! script can make otherwise, and goes where `fetch` goes; its answer has an end of a pair over which bytes pass. An end is a script's,
//! or a connection's, and may be handed on until somebody reads it.

mod open;
mod ops;
mod reader;
mod request;
mod resource;

pub(crate) use open::op_tcp_connect;
pub(crate) use ops::{
    op_tcp_end, op_tcp_ended, op_tcp_finish, op_tcp_hold, op_tcp_new, op_tcp_pair, op_tcp_readable, op_tcp_release,
    op_tcp_start_tls, op_tcp_write,
};
pub use request::{Secure, authority, is_connect, request, secure};
pub(crate) use resource::take;
