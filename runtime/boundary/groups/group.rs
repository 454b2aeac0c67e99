//! The control group of one process, until that has ended.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::sandbox::THREADS;

/// What groups of processes are called, before the process's number.
const PREFIX: &str = "process-";

/// The time in microseconds for which a group's time of processors is counted.
const PERIOD: u64 = 100_000;

/// What a group may have beside its process's own memory, in bytes: what is on its way over the links, stacks, and what the kernel keeps for it.
const BESIDE: u64 = 64 << 20;

/// How often it is tried to take a group away whose processes end, and how long is waited before.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(2);

/// A group, which is taken away when it is dropped.
#[derive(Debug)]
pub(crate) struct Group(PathBuf);

impl Group {
    pub(super) fn make(root: &Path, process: u32) -> io::Result<Self> {
        let path = root.join(format!("{PREFIX}{process}"));
        super::make(&path)?;
        Ok(Self(path))
    }

    /// Sets what a controller lets a process have.
    pub(super) fn limit(&self, controller: &str, memory: u64, threads: usize) -> io::Result<()> {
        match controller {
            "memory" => {
                // The keeper ends a process that has more than `memory`, and says so: this is for what grows between two of its looks.
                let most = memory.saturating_add(memory / 8).saturating_add(BESIDE);
                self.set("memory.max", most)?;
                self.set("memory.oom.group", 1)?;
                // Not there where the kernel has no swap.
                let _ = self.set("memory.swap.max", 0);
                Ok(())
            }
            "cpu" => {
                let most = (threads.max(1) as u64).saturating_mul(PERIOD);
                self.set("cpu.max", format!("{most} {PERIOD}"))
            }
            // Its watcher is one more.
            "pids" => self.set("pids.max", THREADS + 1),
            _ => Ok(()),
        }
    }

    pub(super) fn enter(&self, process: u32) -> io::Result<()> {
        self.set("cgroup.procs", process)
    }

    fn set(&self, file: &str, value: impl ToString) -> io::Result<()> {
        fs::write(self.0.join(file), value.to_string())
            .map_err(|error| io::Error::new(error.kind(), format!("{file} can not be set: {error}")))
    }

    /// Whether the system has ended it for its memory.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.0.join("memory.events")).unwrap_or_default();
        let kills = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills.is_some_and(|kills| kills != "0")
    }

    /// Takes it away, once what is in it has ended.
    pub(crate) async fn remove(self) {
        for doubled in 0..TRIES {
            if self.end() {
                break;
            }
            tokio::time::sleep(PAUSE * (1 << doubled)).await;
        }
    }

    /// Ends what is left in it. Gives whether it is taken away.
    fn end(&self) -> bool {
        // Kernels before 5.14 have no such file.
        let _ = self.set("cgroup.kill", 1);
        match fs::remove_dir(&self.0) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for doubled in 0..TRIES / 2 {
            if self.end() {
                return;
            }
            std::thread::sleep(PAUSE * (1 << doubled));
        }
        // What is left is taken away by the next server.
    }
}

/// Takes away the groups of processes that are there no longer: those of a server that was killed.
pub(super) fn sweep(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let gone = |process: &str| !Path::new("/proc").join(process).exists();
        if process.is_some_and(gone) {
            Group(entry.path()).end();
        }
    }
}
