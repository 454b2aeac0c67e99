//! Which agents are in processes, and whether the policy is, as `[isolation]` says it.

use super::agent::limits as limits_of;
use crate::boundary::Settings;
use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::host::{Agent, IsolateLimits, Isolation};
use crate::isolate::Worker;
use crate::limits::Limits;

/// Links beside those of the worker threads that there are: others come in the place of one that hangs.
const SPARE: usize = 4;

/// Links of a process at most.
const MOST: usize = 64;

/// Processes of agents of `agents_dir`, where nothing is said of them.
const FOUND: usize = 256;

/// What a process of one agent may have beside what its limits say, in bytes: V8's own, and the program's.
const OVERHEAD: u64 = 64 << 20;

/// What an agent reserves on each thread that loads workers: stacks of 72 MiB for 16 of them, and one that modules are read on, in bytes.
const LOADED: u64 = (16 * 72 + 512) << 20;

/// Puts agents where they are to be, and tells what keeps them from it.
pub(super) fn isolation(files: &Files, project: &ProjectFile, agents: &mut [Agent]) {
    let sections = project.agents.as_deref().unwrap_or_default();
    let own = |place: usize| sections.get(place).and_then(|section| section.isolation);
    for (place, agent) in agents.iter_mut().enumerate() {
        agent.isolation = own(place).unwrap_or(project.isolation.agents);
    }
    let confined = agents.iter().position(|agent| agent.isolation == Isolation::Process);
    if let Some(place) = confined.filter(|_| !cfg!(target_os = "linux")) {
        let field = match own(place) {
            Some(_) => format!("agents[{place}].isolation"),
            None => "isolation.agents".to_owned(),
        };
        let message = "agents have processes of their own on Linux only";
        files
            .problems
            .add(files.complain(&field, message).with_help("Leave `isolate`"));
    }
    if project.isolation.outbound == Isolation::Process && !cfg!(target_os = "linux") {
        let message = "the policy has a process of its own on Linux only";
        let complaint = files.complain("isolation.outbound", message);
        files.problems.add(complaint.with_help("Leave `isolate`"));
    }
}

/// How the processes are. `threads` are the server's.
pub(super) fn settings(project: &ProjectFile, agents: &[Agent], threads: usize, isolates: IsolateLimits) -> Settings {
    let limits = agents
        .iter()
        .map(|agent| needs(&agent.worker.limits, !agent.worker.loaders.is_empty()));
    let found = project
        .agents_dir
        .as_ref()
        .map(|_| needs(&limits_of(project, None), true));
    let all = limits.chain(found).fold(0, u64::saturating_add);
    let loading = agents.iter().filter(|agent| !agent.worker.loaders.is_empty()).count();
    let loading = loading + usize::from(project.agents_dir.is_some());
    of(project, (all, loading), threads, isolates)
}

/// How the policy's processes are, where it has some.
pub(super) fn policy_settings(
    project: &ProjectFile,
    policy: Option<&Worker>,
    threads: usize,
    isolates: IsolateLimits,
) -> Option<Settings> {
    let policy = policy.filter(|_| project.isolation.outbound == Isolation::Process)?;
    let loads = !policy.loaders.is_empty();
    let settings = of(
        project,
        (needs(&policy.limits, loads), usize::from(loads)),
        threads,
        isolates,
    );
    Some(Settings {
        // The agents of a folder may be of any number of tenants.
        counted: project.agents_dir.is_some(),
        ..settings
    })
}

/// What a worker needs on each thread, in bytes.
fn needs(limits: &Limits, loads: bool) -> u64 {
    let own = (limits.heap + limits.buffers) as u64;
    // What a loaded worker had that was stopped may be there while another begins, and each has an isolate.
    if loads {
        own.saturating_mul(2).saturating_add(OVERHEAD)
    } else {
        own
    }
}

/// Processes of workers that need so much on each thread, and of which so many load others.
fn of(project: &ProjectFile, (all, loading): (u64, usize), threads: usize, isolates: IsolateLimits) -> Settings {
    let section = &project.isolation;
    let own = section.threads.map(|threads| threads.get() as usize);
    let each = own.unwrap_or(threads).max(1);
    let memory = section.memory_mb.map(|mebibytes| mebibytes.get() << 20);
    Settings {
        reserved: LOADED.saturating_mul((loading * each) as u64),
        threads: each,
        found: section.processes.map_or(FOUND, |processes| processes.get() as usize),
        links: (threads + SPARE).min(MOST),
        idle: isolates.idle,
        memory: memory.unwrap_or_else(|| all.saturating_mul(each as u64).saturating_add(OVERHEAD)),
        counted: false,
        cgroup: section.cgroup,
        allow_missing: section.allow_missing.clone(),
    }
}
