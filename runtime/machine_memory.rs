//! How much memory there is.

use std::fs;

/// What is known of a machine that tells nothing.
const UNKNOWN: usize = 2 << 30;

/// Bytes of memory that this process may have: the machine's, or its control group's where that has less.
pub(crate) fn machine_memory() -> usize {
    let all = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kibibytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1 << 10)
    });
    let own = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let own = own.and_then(|text| text.trim().parse::<usize>().ok());
    all.into_iter().chain(own).min().unwrap_or(UNKNOWN)
}
