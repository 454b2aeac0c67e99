//! workerd-lite as a library: run untrusted workers whose every `fetch` passes their owner's outbound worker.
//!
//! A [`host::Project`] says what runs; [`host::Instance`] runs it on one thread and takes requests; [`serve::serve`]
//! is its first user.

pub mod cli;
pub mod config;
pub mod egress;
pub mod fault;
pub mod host;
pub mod isolate;
mod limits;
pub mod serve;
