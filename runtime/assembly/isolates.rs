//! When isolates are made and put away, as `[isolates]` says it.

use std::time::Duration;

use crate::config::Flags;
use crate::config::project_file::ProjectFile;
use crate::host::IsolateLimits;
use crate::machine_memory::machine_memory;

/// Less is no room for an agent and its policy.
const LEAST: usize = 32 << 20;

/// No isolate goes sooner: limits that are counted by the second are not counted anew by that.
const SOONEST: Duration = Duration::from_secs(1);

/// What the file says of that. Whoever does not serve wants to hear of each script that fails.
pub(super) fn isolates(flags: &Flags, project: &ProjectFile) -> IsolateLimits {
    let section = &project.isolates;
    let memory = section.memory_mb.map(|mebibytes| (mebibytes.get() as usize) << 20);
    IsolateLimits {
        idle: section.idle.max(SOONEST),
        memory: memory.unwrap_or_else(|| machine_memory() / 2).max(LEAST),
        eager: section.eager || !flags.lazy,
    }
}
