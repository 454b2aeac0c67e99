//! Tests through the real binary, against real servers.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::disallowed_types,
    clippy::unwrap_used
)]

mod harness;
