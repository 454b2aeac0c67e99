//! WebSockets on the wire (RFC 6455): the handshake of both sides, and what moves messages between a connection and an end that a
//! script, or another connection, has.

mod connection;
mod extension;
mod handshake;
mod joined;
mod metered;
mod pace;
mod reasons;
mod stopping;
mod wire;

pub(crate) use connection::{run_between, run_client, run_upstream};
pub(crate) use handshake::{Key, Offer};
pub(crate) use stopping::{stop, stopped};
