//! Tests through the real binary, against real servers.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod abort;
mod agents;
mod attack;
mod audit;
mod author;
mod bypass;
mod clock;
mod config;
mod config_credentials;
mod cpu;
mod credentials;
mod egress;
mod embedding;
mod failure;
mod faults;
mod fuzz;
mod globals;
mod harness;
mod identity;
mod inspector;
mod kill;
mod limits;
mod modules;
mod outgoing;
mod overload;
mod page;
mod path;
mod reachable;
mod relief;
mod rotation;
mod rules;
mod serving;
mod shapes;
mod soak;
mod streaming;
mod supervisor;
mod testing;
mod tokens;
mod webassembly;
