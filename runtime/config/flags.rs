//! What the command line says of the configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What the command line says. It wins over the files.
#[derive(Debug, Default, Clone)]
pub struct Flags {
    /// The agent's script.
    pub script: Option<PathBuf>,
    /// The outbound worker's script.
    pub outbound: Option<PathBuf>,
    /// A wrangler file or a `workerd-lite.toml`.
    pub config: Option<PathBuf>,
    /// The section of wrangler's files below `env` that holds. An empty name is the top level, as no name is.
    pub env: Option<String>,
    /// Whether a binding that there is nothing behind is left out of `env`, with a warning. Otherwise it is an error.
    pub allow_missing_bindings: bool,
    /// Where to listen.
    pub listen: Option<SocketAddr>,
    /// How many worker threads.
    pub threads: Option<usize>,
    /// Whether clients may read why a handler failed.
    pub dev: bool,
    /// Whether the project is loaded anew when a file of it changes.
    pub watch: bool,
    /// Whether this is for tests: nothing is written, and a secret that is absent has a value of no worth.
    pub testing: bool,
}
