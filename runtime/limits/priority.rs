//! What runs below everything else, by the operating system's word.

use std::collections::HashSet;
use std::sync::LazyLock;

use nix::libc::{SCHED_IDLE, sched_param, sched_setscheduler};
use nix::unistd::Pid;
use rustix::process::{Pid as RawPid, setpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The nice value of work that disturbs others: a tenth of the share of theirs.
const LOW: i32 = 10;

/// Gives a thread less than others. Linux has a priority for each thread, under the call for processes. There is no way
/// back for who may not raise it.
pub(crate) fn lower(thread: Pid) {
    if let Some(thread) = RawPid::from_raw(thread.as_raw()) {
        // Nobody is worse off where that fails.
        let _ = setpriority_process(Some(thread), LOW);
    }
}

/// Gives a thread what nobody else wants, and the system's least share where there is no such thing. There is no way back.
#[expect(unsafe_code, reason = "a call of the system that no crate at hand has")]
pub(crate) fn abandon(thread: Pid) {
    set_aside(thread);
    let priority = sched_param { sched_priority: 0 };
    // SAFETY: it reads the structure, which lives until it returns, and knows the thread by its number: where that has
    // ended, it fails.
    unsafe { sched_setscheduler(thread.as_raw(), SCHED_IDLE, &raw const priority) };
}

/// The same as `lower`, and leaves it only half of the processors, so that others find one where they have not to wait for
/// its turn to end: Linux lets a thread of low priority go on for a while when one of higher priority wakes.
pub(crate) fn set_aside(thread: Pid) {
    static HALF: LazyLock<Option<CpuSet>> = LazyLock::new(|| Some(half(&sched_getaffinity(None).ok()?)));
    lower(thread);
    if let (Some(half), Some(thread)) = (&*HALF, RawPid::from_raw(thread.as_raw())) {
        let _ = sched_setaffinity(Some(thread), half);
    }
}

/// The latter half of these, and one at least.
fn half(all: &CpuSet) -> CpuSet {
    let mut half = CpuSet::new();
    let members = (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu));
    for cpu in members.skip(all.count() as usize / 2) {
        half.set(cpu);
    }
    half
}

/// This process's threads. None where the system does not tell.
pub(crate) fn threads() -> HashSet<Pid> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks
        .filter_map(|task| task.file_name().to_str()?.parse().ok().map(Pid::from_raw))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half_of(members: &[usize]) -> Vec<usize> {
        let mut all = CpuSet::new();
        for cpu in members {
            all.set(*cpu);
        }
        let half = half(&all);
        (0..CpuSet::MAX_CPU).filter(|cpu| half.is_set(*cpu)).collect()
    }

    #[test]
    fn half_of_the_processors_stay_free() {
        assert_eq!(half_of(&[3]), [3]);
        assert_eq!(half_of(&[2, 5]), [5]);
        assert_eq!(half_of(&[0, 1, 2]), [1, 2]);
        assert_eq!(half_of(&[4, 5, 6, 7]), [6, 7]);
    }

    #[test]
    fn a_thread_that_is_abandoned_is_known_to_the_system_as_idle() {
        std::thread::spawn(|| {
            abandon(nix::unistd::gettid());
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            // The policy is the 41st field, of which two come before the parenthesis ends.
            let policy = stat.rsplit_once(") ").unwrap().1.split(' ').nth(38).unwrap();
            assert_eq!(policy, SCHED_IDLE.to_string());
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_thread_that_is_set_aside_has_them_no_longer() {
        std::thread::spawn(|| {
            let all = sched_getaffinity(None).unwrap();
            set_aside(nix::unistd::gettid());
            let left = sched_getaffinity(None).unwrap();
            assert_eq!(left.count(), half(&all).count());
        })
        .join()
        .unwrap();
    }
}
