//! What an agent's process enters before it reads the first byte of a script: from then on it computes, and talks over what it
//! inherited. Nothing undoes it.
//!
//! Each layer stands for itself, so that a flaw in one leaves the others: a filter of system calls (seccomp) with a reason for
//! each line, Landlock with no path, namespaces with nothing in them, no capability, and no descriptor but the links.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod entering;
#[cfg(target_os = "linux")]
mod landlock;
mod layer;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(target_os = "linux")]
mod privileges;
#[cfg(target_os = "linux")]
mod resources;
#[cfg(target_os = "linux")]
mod seccomp;
#[cfg(target_os = "linux")]
mod watcher;

use std::os::fd::RawFd;

pub use layer::{Layer, Refused, Report};

/// Threads of a process at once. V8's, the runtime's and those that compute for scripts are a few dozen.
pub(super) const THREADS: u64 = 512;

/// What a process is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Purpose {
    /// It runs scripts.
    #[default]
    Scripts,
    /// It holds keys: it runs no script, and files come to it over its links.
    Keys,
    /// It reads modules: it runs no script, and reads files.
    Modules,
}

/// What a process keeps.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// The descriptors that stay open, as they are numbered. All others are closed; of 0, 1 and 2 those that are not among
    /// these lead to `/dev/null`.
    pub links: Vec<RawFd>,
    /// The memory that the process is meant to have, in MiB. The system lets it have twice that and what it starts with, as
    /// private memory that it can write: who watches its resident memory has the time to.
    pub memory_mb: u64,
    /// Descriptors that it may have open at once.
    pub descriptors: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// Layers that it goes without where the kernel refuses them: `[isolation] allow_missing`.
    pub allow_missing: Vec<Layer>,
}

/// Enters the sandbox, for good. Call it first, while the process has one thread: threads that start later are in it.
///
/// The process goes on as a child of the one that called it: the latter becomes its *watcher*, which waits for it and ends as it
/// ends. Whoever kills the watcher kills the process, and the process is killed when the watcher's parent dies. So who started
/// the process knows the watcher's number, and finds that of the process by [`process_inside`].
///
/// # Errors
///
/// Where the kernel refuses a layer that is not in `allow_missing`, where threads run already, and on other systems than
/// Linux. The process is then neither in the sandbox nor what it was: end it.
pub fn enter(allowed: &Allowed) -> Result<Report, Refused> {
    #[cfg(target_os = "linux")]
    return entering::enter(allowed);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = allowed;
        Err(Refused::System)
    }
}

/// Puts the filter of system calls alone in force, for a process that reads modules.
///
/// # Errors
///
/// Where the kernel refuses it.
pub(crate) fn only_reads_modules() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    seccomp::install(std::process::id(), Purpose::Modules).map_err(|failed| failed.source)?;
    Ok(())
}

/// Keeps other processes of the same user out of this one's memory, and out of its core dumps: a process that holds keys is not
/// read by `ptrace` or `/proc/<pid>/mem` then.
///
/// # Errors
///
/// Where the system refuses it, or has no such thing.
pub fn keep_private() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    return privileges::keep_private();
    #[cfg(not(target_os = "linux"))]
    Err(std::io::ErrorKind::Unsupported.into())
}

/// The number of the process that this watcher waits for. None before it has entered the sandbox, and after it ended.
#[must_use]
pub fn process_inside(watcher: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{watcher}/task/{watcher}/children")).ok()?;
    children.split_ascii_whitespace().next()?.parse().ok()
}
