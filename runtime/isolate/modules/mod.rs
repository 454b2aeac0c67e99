//! A worker's modules: read once, before any of its code runs, and kept in memory.
//!
//! An agent's code is untrusted, so its imports are confined to its project's folder and kept away from the policy.

pub(crate) mod cache;
mod graph;
mod module;
mod package;
mod parse;
mod read;
mod resolve;
mod source_map;

pub use graph::Graph;
pub(super) use graph::SOURCE;
pub use module::{Confinement, Content, Module};
pub(super) use resolve::is_builtin;
pub use resolve::{ResolveError, resolve};
