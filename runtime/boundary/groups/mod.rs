//! Control groups of agents' processes, where this server's own was delegated to it: each process has one, with its memory, processors and
//! threads, and what serves them goes before them. Linux, "Control Group v2", "Delegation"; systemd, "Control Group APIs and Delegation".

mod delegated;
mod group;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub(super) use group::Group;

/// Where the processes of the server go that are no agents': a group whose controllers are on for those below it has no processes of its own.
const SERVER: &str = "server";

/// The share of the processors that these have beside each group of an agent's process, which has 100.
const SHARE: u64 = 1000;

/// What this asks for.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];

/// How often it is looked whether a process has come since the others were moved.
const ROUNDS: usize = 8;

/// Whether agents' processes have control groups.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cgroup {
    /// Where the server's own control group was delegated to it.
    #[default]
    Auto,
    /// They have, or the server does not start.
    Require,
    /// They have not.
    Off,
}

/// Why there are no groups.
#[derive(Debug)]
pub(super) enum Without {
    /// The server's own group is not delegated to it, by a sentence.
    NotDelegated(String),
    /// It is, and can not be used.
    Failed(String),
}

/// The group that was delegated.
#[derive(Debug)]
pub(super) struct Groups {
    root: PathBuf,
    controllers: Vec<&'static str>,
}

impl Groups {
    /// Takes over the group that was delegated to this server: what is in it moves below it, and what earlier processes left is taken away.
    /// `insists` says that its owner has said so, where the system says nothing of it.
    pub(super) fn find(insists: bool) -> Result<Self, Without> {
        let root = delegated::find(insists)?;
        let failed = |why: &dyn std::fmt::Display| Without::Failed(format!("{}: {why}", root.display()));
        let groups = Self::below(root.clone()).map_err(|error| failed(&error))?;
        let missing = groups.missing();
        if missing.len() == CONTROLLERS.len() {
            let why = format!("no controller of {} is delegated", groups.root.display());
            return Err(Without::NotDelegated(why));
        }
        if insists && !missing.is_empty() {
            return Err(failed(&format!("it has not the controllers {}", missing.join(", "))));
        }
        Ok(groups)
    }

    fn below(root: PathBuf) -> io::Result<Self> {
        let offered = fs::read_to_string(root.join("cgroup.controllers"))?;
        let server = root.join(SERVER);
        make(&server)?;
        empty(&root, &server)?;
        let mut groups = Self {
            root,
            controllers: Vec::new(),
        };
        let mut refused = None;
        for name in CONTROLLERS {
            if offered.split_whitespace().all(|offered| offered != name) {
                continue;
            }
            match fs::write(groups.root.join("cgroup.subtree_control"), format!("+{name}")) {
                Ok(()) => groups.controllers.push(name),
                Err(error) => refused = Some(error),
            }
        }
        if let Some(error) = refused.filter(|_| groups.controllers.is_empty()) {
            return Err(error);
        }
        if groups.has("cpu") {
            fs::write(server.join("cpu.weight"), SHARE.to_string())?;
        }
        group::sweep(&groups.root);
        Ok(groups)
    }

    fn has(&self, controller: &str) -> bool {
        self.controllers.contains(&controller)
    }

    /// What it lacks.
    fn missing(&self) -> Vec<&'static str> {
        CONTROLLERS.into_iter().filter(|name| !self.has(name)).collect()
    }

    /// What it is, for a line of the log.
    pub(super) fn describe(&self) -> String {
        format!("{} ({})", self.root.display(), self.controllers.join(", "))
    }

    /// Puts a process that has just been started, and whatever it starts, into a group of its own. `memory` is in bytes, `threads` are those that
    /// run scripts.
    pub(super) fn put(&self, process: u32, memory: u64, threads: usize) -> io::Result<Group> {
        let group = Group::make(&self.root, process)?;
        for controller in &self.controllers {
            group.limit(controller, memory, threads)?;
        }
        group.enter(process)?;
        Ok(group)
    }
}

/// Makes a group, where there is none.
fn make(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Moves the processes that are in a group into another.
fn empty(from: &Path, to: &Path) -> io::Result<()> {
    for _ in 0..ROUNDS {
        let all = fs::read_to_string(from.join("cgroup.procs"))?;
        // Those of other namespaces of processes have no number here.
        let all: Vec<_> = all.lines().filter(|process| *process != "0").collect();
        if all.is_empty() {
            break;
        }
        for process in all {
            match fs::write(to.join("cgroup.procs"), process) {
                // It has ended meanwhile.
                Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => {}
                moved => moved?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
