//! WebSockets on the wire (RFC 6455): the handshake of both sides, and what moves messages between a connection and an end that a
//! script, or another connection, has.

mod connection;
mod handshake;
mod metered;
mod pace;
mod stopping;

pub(crate) use connection::{run, run_between};
pub(crate) use handshake::{Key, Offer};
pub(crate) use stopping::{stop, stopped};
