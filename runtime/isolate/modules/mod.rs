//! A worker's modules: read once, before any of its code runs, and kept in memory.
//!
//! An agent's code is untrusted, so its imports are confined to its project's folder and kept away from the policy.

mod browser;
mod bundled;
mod bundling;
pub(crate) mod cache;
pub(super) mod commonjs;
mod compiler;
mod confined;
mod data;
mod decorators;
mod exports;
mod facades;
mod failure;
mod file_names;
mod given;
mod graph;
mod guess;
mod import;
mod load;
pub(crate) mod mocked;
mod mocks;
mod module;
mod nesting;
mod node_modules;
mod nodes_own;
mod package;
mod page;
mod parse;
mod read;
mod relative;
mod requirable;
mod requires;
mod requiring;
mod resolve;
mod scopes;
mod search;
mod shipped;
mod source;
mod source_map;
mod syntax;
mod syntax_error;
mod transpile;
mod wasm_literals;

pub use bundling::{Bundling, FileType};
pub use failure::ImportFailure;
pub(crate) use given::{GivenKind, GivenModule};
pub use graph::Graph;
pub(super) use module::SOURCE;
pub use module::{Confinement, Content, Data, Module, Overlay};
pub(crate) use nesting::{is_too_deep, on_deep_stack};
pub use node_modules::NodeModules;
pub(crate) use parse::source_type;
pub(super) use resolve::is_builtin;
pub use resolve::{ResolveError, resolve};
pub(crate) use shipped::ShippedGraph;
