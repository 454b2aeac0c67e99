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
