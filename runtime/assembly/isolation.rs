//! Which agents are in processes, as `[isolation]` says it, and what those can not have there yet.

use crate::boundary::Settings;
use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::host::{Agent, IsolateLimits, Isolation, Offers, TailWorker};

/// Links beside those of the worker threads that there are: others come in the place of one that hangs.
const SPARE: usize = 4;

/// Links of a process at most.
const MOST: usize = 64;

/// What a process of one agent may have beside what its limits say, in bytes: V8's own, and the program's.
const OVERHEAD: u64 = 64 << 20;

/// Puts agents where they are to be, and tells what keeps them from it.
pub(super) fn isolation(files: &Files, project: &ProjectFile, agents: &mut [Agent]) {
    let sections = project.agents.as_deref().unwrap_or_default();
    let own = |place: usize| sections.get(place).and_then(|section| section.isolation);
    for (place, agent) in agents.iter_mut().enumerate() {
        agent.isolation = own(place).unwrap_or(project.isolation.agents);
    }
    if project.agents_dir.is_some() && project.isolation.agents == Isolation::Process {
        files.problems.add(
            files
                .complain("isolation.agents", "agents of `agents_dir` can not be in processes yet")
                .with_help("List them under [[agents]], or leave `agents = \"isolate\"`"),
        );
    }
    for (place, agent) in agents
        .iter()
        .enumerate()
        .filter(|(_, agent)| agent.isolation == Isolation::Process)
    {
        let field = match own(place) {
            Some(_) => format!("agents[{place}].isolation"),
            None => "isolation.agents".to_owned(),
        };
        let name = &agent.worker.name;
        if !cfg!(target_os = "linux") {
            let message = "agents have processes of their own on Linux only";
            files
                .problems
                .add(files.complain(&field, message).with_help("Leave `isolate`"));
        }
        for why in obstacles(agents, agent) {
            let message = format!("the agent {name:?} can not be in a process yet: {why}");
            let help = "Set `isolation = \"isolate\"` in its section under [[agents]], or do without";
            files.problems.add(files.complain(&field, &message).with_help(help));
        }
    }
}

/// What an agent has that does not go over a link.
fn obstacles(agents: &[Agent], agent: &Agent) -> Vec<String> {
    let name = &agent.worker.name;
    let mut why = Vec::new();
    for grant in &agent.services {
        match &grant.offers {
            Offers::Agent(id) => why.push(format!(
                "it calls the agent {:?}, by `services`: it may call its policy alone",
                &*id.name
            )),
            Offers::Assets | Offers::Outbound => {}
        }
    }
    if !agent.crons.is_empty() {
        why.push("it is called by the time, by `triggers.crons`".to_owned());
    }
    if !agent.worker.loaders.is_empty() {
        why.push("it loads workers, by `loaders` or `worker_loaders`".to_owned());
    }
    for other in agents {
        let other_name = &other.worker.name;
        let calls = |offers: &Offers| matches!(offers, Offers::Agent(id) if *id.name == **name && id.tenant.as_deref() == agent.tenant.as_deref());
        if other.services.iter().any(|grant| calls(&grant.offers)) {
            why.push(format!("the agent {other_name:?} calls it, by `services`"));
        }
        let tells = |tail: &TailWorker| matches!(tail, TailWorker::Agent(told, _) if told == name);
        if other.tenant == agent.tenant && other.tails.iter().any(tells) {
            why.push(format!("the agent {other_name:?} tells it of its events, by `tails`"));
        }
    }
    why
}

/// How the processes are. `threads` are the server's.
pub(super) fn settings(project: &ProjectFile, agents: &[Agent], threads: usize, isolates: IsolateLimits) -> Settings {
    let section = &project.isolation;
    let own = section.threads.map(|threads| threads.get() as usize);
    let each = own.unwrap_or(threads).max(1);
    let memory = section.memory_mb.map(|mebibytes| mebibytes.get() << 20);
    let limits = agents
        .iter()
        .map(|agent| (agent.worker.limits.heap + agent.worker.limits.buffers) as u64);
    let all = limits.fold(0, u64::saturating_add).saturating_mul(each as u64);
    Settings {
        threads: each,
        links: (threads + SPARE).min(MOST),
        idle: isolates.idle,
        memory: memory.unwrap_or_else(|| all.saturating_add(OVERHEAD)),
        allow_missing: section.allow_missing.clone(),
    }
}
