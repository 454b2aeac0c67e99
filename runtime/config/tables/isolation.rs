//! `[isolation]`.

use std::num::{NonZeroU32, NonZeroU64};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::boundary::Cgroup;
use crate::boundary::sandbox::Layer;
use crate::host::Isolation as Where;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Isolation {
    /// Where agents run: `isolate`, in the process that has the network and the keys; or `process`, in one of their tenant's,
    /// or of their own where they have no tenant, that can do nothing but compute and ask.
    pub(crate) agents: Where,
    /// Where the policy runs: `isolate`, in the process that has the network and the keys; or `process`, in one for each group of agents that
    /// shares an isolate of it (`outbound.isolate_per`), that can do nothing but compute and ask. Together with `agents = "process"` no process
    /// that runs scripts has a key, a socket or a file.
    pub(crate) outbound: Where,
    /// Threads that such a process has at most; as many as the server without it. They are started as they are needed.
    pub(crate) threads: Option<NonZeroU32>,
    /// Mebibytes of memory of its own that such a process may have, before it is ended; what its agents' limits let them have
    /// without it.
    pub(crate) memory_mb: Option<NonZeroU64>,
    /// Processes of agents of `agents_dir`, of which each has one: the one that has idled for longest makes room for another. 256 without
    /// it.
    pub(crate) processes: Option<NonZeroU32>,
    /// Whether each process has a control group of its own, with its memory, processors and threads: `auto`, where the server's own was delegated to
    /// it; `require`, or the server does not start; `off`.
    pub(crate) cgroup: Cgroup,
    /// Layers of a process's sandbox that it goes without where the kernel refuses them.
    pub(crate) allow_missing: Vec<Layer>,
}
