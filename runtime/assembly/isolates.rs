//! When isolates are made and put away, as `[isolates]` says it.

use std::fs;
use std::time::Duration;

use crate::config::Flags;
use crate::config::project_file::ProjectFile;
use crate::host::IsolateLimits;

/// What is known of a machine that tells nothing.
const UNKNOWN: usize = 2 << 30;

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
        memory: memory.unwrap_or_else(|| machines() / 2).max(LEAST),
        eager: section.eager || !flags.lazy,
    }
}

/// Bytes of memory that this process may have: the machine's, or its control group's where that has less.
fn machines() -> usize {
    let all = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kibibytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1 << 10)
    });
    let own = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let own = own.and_then(|text| text.trim().parse::<usize>().ok());
    all.into_iter().chain(own).min().unwrap_or(UNKNOWN)
}
