//! What runs below everything else, by the operating system's word.

use std::collections::HashSet;

use nix::unistd::Pid;
use rustix::process::{Pid as RawPid, setpriority_process};

/// Of work that disturbs others: a tenth of the share of theirs.
pub(crate) const LOW: i32 = 10;

/// The lowest there is.
pub(crate) const LOWEST: i32 = 19;

/// Gives a thread less than others. Linux has a priority for each thread, under the call for processes. There is no way
/// back for who may not raise it.
pub(crate) fn lower(thread: Pid, to: i32) {
    if let Some(thread) = RawPid::from_raw(thread.as_raw()) {
        // Nobody is worse off where that fails.
        let _ = setpriority_process(Some(thread), to);
    }
}

/// This process's threads. None where the system does not tell.
pub(crate) fn threads() -> HashSet<Pid> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks
        .filter_map(|task| task.file_name().to_str()?.parse().ok().map(Pid::from_raw))
        .collect()
}
