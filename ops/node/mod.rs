//! What Node's modules want of Rust, beyond the ops of deno's own crates.

pub(crate) mod buffer;
pub(crate) mod crypto;
pub(crate) mod idna;
pub(crate) mod kdf;
pub mod require;
mod scrypt;
pub(crate) mod zlib;
mod zlib_stream;
