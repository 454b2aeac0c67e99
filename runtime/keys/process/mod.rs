//! Keys in a process of their own (`[keys] process = true`): it reads their files and signs by them, and this process has none. It is
//! confined as agents' processes are; the files come to it opened, over its links.

mod client;
mod file;
pub(crate) mod holder;
mod keeper;
mod key;
mod software;
mod wire;

pub use client::KeyProcess;
pub use file::{CurrentKey, KeyFile};
pub(crate) use key::HeldKey;
