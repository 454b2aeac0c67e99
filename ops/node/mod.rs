//! What Node's modules want of Rust, beyond the ops of deno's own crates.

mod brotli;
pub(crate) mod buffer;
mod ccm;
mod charged;
pub(crate) mod cipher;
pub(crate) mod crypto;
mod deflate;
mod der;
pub(crate) mod encrypted_key;
pub mod files;
mod guard;
mod hashes;
pub(crate) mod idna;
mod inflate;
pub(crate) mod kdf;
pub(crate) mod keygen;
pub(crate) mod keys;
mod modes;
mod modular;
pub(crate) mod numbers;
pub mod require;
mod scrypt;
pub(crate) mod signing;
mod step;
pub(crate) mod zlib;
mod zstd;
mod zstd_memory;
