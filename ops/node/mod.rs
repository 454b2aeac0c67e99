//! What Node's modules want of Rust, beyond the ops of deno's own crates.

mod brotli;
pub(crate) mod buffer;
mod charged;
pub(crate) mod crypto;
mod deflate;
pub mod files;
pub(crate) mod idna;
mod inflate;
pub(crate) mod kdf;
mod scrypt;
mod step;
pub(crate) mod zlib;
mod zstd;
mod zstd_memory;
