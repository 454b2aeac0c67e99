//! How agents' processes are.

use std::time::Duration;

use super::groups::Cgroup;
use super::sandbox::Layer;

/// How agents' processes are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many threads each has at most.
    pub threads: usize,
    /// How many threads of this process want a link each. A few more are there for those that come in their places.
    pub links: usize,
    /// The most processes of agents that were found, one for each.
    pub found: usize,
    /// How long one without events is kept.
    pub idle: Duration,
    /// Bytes of memory of its own that one may have.
    pub memory: u64,
    /// Bytes that one may reserve for what it does not use: stacks of loaded workers, and those that modules are read on.
    pub reserved: u64,
    /// Whether there may be no more than so many at once, whoever they are for: their number is not known before.
    pub counted: bool,
    /// Whether each has a control group.
    pub cgroup: Cgroup,
    /// Layers of the sandbox that may be missing.
    pub allow_missing: Vec<Layer>,
}
