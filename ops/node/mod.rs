//! What Node's modules want of Rust, beyond the ops of deno's own crates.

pub(crate) mod buffer;
mod ccm;
pub(crate) mod cipher;
pub(crate) mod crypto;
mod der;
pub(crate) mod encrypted_key;
mod guard;
mod hashes;
pub(crate) mod idna;
pub(crate) mod kdf;
pub(crate) mod keygen;
pub(crate) mod keys;
mod modes;
mod modular;
pub(crate) mod numbers;
mod scrypt;
pub(crate) mod signing;
pub(crate) mod zlib;
mod zlib_stream;
