//! Limits of resources, which no process raises that has no capability.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::layer::Failed;
use super::{Allowed, Purpose, THREADS};

/// Signals that wait.
const SIGNALS: u64 = 64;

/// The largest file that may be written by the process that holds keys: one key, which its parent has opened for it.
const KEY_FILE: u64 = 64 * 1024;

/// What the process has before the first script, and threads' stacks, in bytes.
const BASE: u64 = 512 * 1024 * 1024;

const MIB: u64 = 1024 * 1024;

/// Sets them for the process and what it starts.
pub(super) fn limit(allowed: &Allowed, namespaced: bool) -> Result<(), Failed> {
    let data = allowed.memory_mb.saturating_mul(2 * MIB).saturating_add(BASE);
    let file = match allowed.purpose {
        Purpose::Scripts | Purpose::Modules => 0,
        Purpose::Keys => KEY_FILE,
    };
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Fsize, file),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        (Resource::Nice, 0),
        (Resource::Rtprio, 0),
        (Resource::Sigpending, SIGNALS),
        (Resource::Nofile, allowed.descriptors),
        // Not of addresses: V8 reserves more of them than there is memory.
        (Resource::Data, data),
    ] {
        set(resource, most)?;
    }
    // It counts all processes of the user, but for those in other user namespaces.
    if namespaced {
        set(Resource::Nproc, THREADS)?;
    }
    Ok(())
}

/// Both limits, which are never raised.
fn set(resource: Resource, most: u64) -> Result<(), Failed> {
    let now = getrlimit(resource);
    let most = now.maximum.map_or(most, |maximum| maximum.min(most));
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(resource, limit).map_err(Failed::at("limiting the process's resources"))
}
