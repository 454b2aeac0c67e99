//! The one V8 snapshot that every isolate of the process starts from, whatever its role.

/// The snapshot, made by this crate's build script from the scripts beside it.
pub static SNAPSHOT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/worker.snapshot"));

/// The name of the global function that finishes an isolate. It deletes itself.
pub const BOOT: &str = "__workerdLite";

/// Scripts that were not run while the snapshot was made, and so are compiled at run time: `(specifier, source)`, sorted.
pub static RESIDUAL_SCRIPTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/residual.rs"));

/// Tells these scripts from those of other builds: what is kept of them is good for no others.
pub const RESIDUAL_DIGEST: &str = include_str!(concat!(env!("OUT_DIR"), "/residual_digest.txt"));

/// What deno_core has in the place of each of them: it asks `js/worker/residual.js` for it.
pub static RESIDUAL_STUBS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/stubs.rs"));
