//! What Node's modules want of Rust, beyond the ops of deno's own crates.

pub(crate) mod buffer;
pub(crate) mod crypto;
pub mod files;
pub(crate) mod idna;
pub(crate) mod kdf;
mod scrypt;
pub(crate) mod zlib;
mod zlib_stream;
