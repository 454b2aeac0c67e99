//! The agents: those of `[[agents]]`, or the one script of the command line or of wrangler's file.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use workerd_lite_ops::Role;

use super::agent::{PLAIN, ceiling, code_generation, give, limits, tell_cut};
use super::assets::attach;
use super::loaders::loaders;
use super::matching::distinct;
use super::modules::{Places, check_script, confinement};
use super::network::rules;
use super::services::{Finding, Written};
use super::single::single;
use super::tails::tails;
use super::unavailable::{files_only, unavailable};
use crate::config::Flags;
use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::config::tables::Agent as Section;
use crate::config::wrangler::Owner;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::host::{Agent, Code, TailWorker};
use crate::identity::is_plain;
use crate::isolate::Worker;
use crate::isolate::modules::{Graph, NodeModules, reading};

/// Every agent of a project that can be loaded. `forbidden` are the policy's files, which none may read.
pub(super) fn agents(
    flags: &Flags,
    files: &Files,
    project: &ProjectFile,
    forbidden: &Arc<HashSet<PathBuf>>,
) -> Vec<Agent> {
    let problems = &files.problems;
    let Some(sections) = project
        .agents
        .as_deref()
        .or(project.agents_dir.as_ref().map(|_| &[][..]))
    else {
        let agent = problems.value(single(flags, files, project, forbidden));
        return agent.into_iter().collect();
    };
    if flags.script.is_some() {
        problems.add(
            files
                .complain("agents", "the scripts of the agents are named here")
                .with_help("Serve them without a script: workerd-lite serve --config workerd-lite.toml"),
        );
    }
    for (name, value) in [
        ("unsafe_eval", project.unsafe_eval),
        ("wasm_unsafe_eval", project.wasm_unsafe_eval),
    ] {
        if value {
            problems.add(
                files
                    .complain(name, "expected this of each agent that may, not of all")
                    .with_help("Set it in the agent's own section, under [[agents]]"),
            );
        }
    }
    if !project.loaders.is_empty() {
        problems.add(
            files
                .complain("loaders", "expected this of each agent, not of all")
                .with_help("Set it in the agent's own section, under [[agents]]"),
        );
    }
    if !project.modules.is_empty() {
        problems.add(
            files
                .complain("modules", "expected this of each agent, not of all")
                .with_help("Set it in the agent's own section, under [[agents]]"),
        );
    }
    if project.main.is_some() {
        problems.add(
            files
                .complain("main", "expected this of each agent, not of all")
                .with_help("Put the script into a folder of `agents_dir`, or list its agent under [[agents]]"),
        );
    }
    if let Some(document) = &files.wrangler {
        tracing::warn!(
            "{} is not read: the agents that workerd-lite.toml names have files of their own, by `config`",
            document.path.display()
        );
    }
    if sections.is_empty() && project.agents_dir.is_none() {
        problems.add(files.complain("agents", "expected at least one agent"));
    }
    let mut agents: Vec<Agent> = Vec::new();
    let mut written = Vec::new();
    let mut known = HashSet::new();
    let common = Common {
        flags,
        files,
        project,
        places: Arc::new(Places::of(files, sections)),
        forbidden,
        reads: !flags.lazy || flags.spares || sections.len() <= FEW,
    };
    for index in 0..sections.len() {
        let Some((agent, services)) = problems.value(several(&common, (index, sections))) else {
            continue;
        };
        let field = |name: &str| format!("agents[{index}].{name}");
        if !known.insert((agent.worker.name.clone(), agent.tenant.clone())) {
            problems.add(files.complain(
                &field("name"),
                &format!("two agents are called {:?}", agent.worker.name),
            ));
        }
        let several = sections.len() > 1 || project.agents_dir.is_some();
        if agent.matches.is_empty() && several && project.match_header.is_none() {
            problems.add(
                files
                    .complain(
                        &field("match"),
                        &format!("the agent {:?} has no hosts and no paths", agent.worker.name),
                    )
                    .with_help("Give each agent a `match`, such as [\"scout.localhost\"] or [\"/agents/scout/*\"]: only a single one gets all requests without"),
            );
        }
        agents.push(agent);
        written.push(services);
    }
    let finding = Finding {
        files,
        has_outbound: project.outbound.is_some(),
        may_miss: flags.allow_missing_bindings,
    };
    let services: Vec<_> = (0..agents.len())
        .map(|place| finding.grants(&agents, place, &written[place]))
        .collect();
    for (agent, services) in agents.iter_mut().zip(services) {
        give(agent, services);
    }
    // The names of those that could not be read are not known.
    if agents.len() == sections.len() {
        for (index, written) in written.iter().enumerate() {
            agents[index].tails = told(files, project, &agents, (index, &sections[index]), written);
        }
    }
    problems.value(distinct(files, sections));
    agents
}

/// Who is told of an agent's events: by the project's own file, and by wrangler's.
fn told(
    files: &Files,
    project: &ProjectFile,
    agents: &[Agent],
    (index, section): (usize, &Section),
    written: &Written,
) -> Vec<TailWorker> {
    let tenant = &agents[index].tenant;
    let others = agents.iter().enumerate();
    let others = others.filter(|(place, other)| *place != index && other.tenant == *tenant);
    let others: Vec<&str> = others.map(|(_, other)| other.worker.name.as_str()).collect();
    let has_policy = project.outbound.is_some();
    let find = |consumers: &[_]| tails(consumers, has_policy, |wanted| others.contains(&wanted), &others);
    let mut told = find(&section.tails).unwrap_or_else(|(place, why)| {
        let field = format!("agents[{index}].tails[{place}].service");
        files.problems.add(files.complain(&field, &why));
        Vec::new()
    });
    match (find(&written.consumers), &written.document) {
        (Ok(consumers), _) => told.extend(consumers),
        (Err((place, why)), Some(own)) => files
            .problems
            .add(own.complain(&format!("tail_consumers[{place}].service"), &why)),
        (Err(_), None) => {}
    }
    told
}

/// Where there are no more, their scripts are read before anything is served.
pub(super) const FEW: usize = 16;

/// What all agents of a project have in common.
struct Common<'a> {
    flags: &'a Flags,
    files: &'a Files,
    project: &'a ProjectFile,
    places: Arc<Places>,
    forbidden: &'a Arc<HashSet<PathBuf>>,
    /// Whether their scripts are read now.
    reads: bool,
}

fn several(common: &Common<'_>, (index, sections): (usize, &[Section])) -> Result<(Agent, Written), ConfigError> {
    let Common {
        flags, files, project, ..
    } = *common;
    let section = &sections[index];
    let field = |name: &str| format!("agents[{index}].{name}");
    let (own, wrangler) = files.own_wrangler(section.config.as_ref(), flags, Owner::Agent)?;
    if let (Some(main), Some(document), Some(other)) = (&section.main, &own, &wrangler.main) {
        tracing::warn!(
            "{}, main: {other:?} is passed over: {} says {main:?}",
            document.location("main"),
            files.location(&field("main"))
        );
    }
    let (main, root) = match (&section.main, &own, &wrangler.main) {
        (Some(main), _, _) => (Some(files.folder.join(main)), files.folder.clone()),
        (None, Some(document), Some(main)) => (Some(document.folder().join(main)), document.folder().to_owned()),
        (None, Some(document), None) if wrangler.assets.is_some() => (None, document.folder().to_owned()),
        _ => {
            let message = "expected `main` or `config`: the agent's script";
            return Err(files.missing(&field("main"), message, own.as_ref(), "main"));
        }
    };
    let name = section
        .name
        .clone()
        .or(wrangler.name)
        .ok_or_else(|| files.missing(&field("name"), "an agent needs a name", own.as_ref(), "name"))?;
    match (&section.name, &own) {
        (None, Some(own)) if !is_plain(&name) => files.problems.add(own.complain("name", PLAIN)),
        _ if !is_plain(&name) => files.problems.add(files.complain(&field("name"), PLAIN)),
        _ => {}
    }
    if section.tenant.as_ref().is_some_and(|tenant| !is_plain(tenant)) {
        files.problems.add(files.complain(&field("tenant"), PLAIN));
    }
    let mut vars = wrangler.vars;
    vars.extend(section.vars.clone());
    let loaders = loaders(
        files,
        &field("loaders"),
        (&wrangler.worker_loaders, &section.loaders),
        &vars,
    );
    let node = NodeModules::from(wrangler.node);
    let mut bundling = wrangler.bundling.clone();
    if section.vars.contains_key("NODE_ENV") {
        // The owner's own variable says it when the script runs.
        bundling.defines.remove("process.env.NODE_ENV");
    }
    let confined = confinement(files, (index, sections), &common.places, &root, common.forbidden)?;
    // A folder of agents is no part of an agent that is beside it.
    let others = project.agents_dir.as_ref().map(|folder| files.folder.join(folder));
    let others = others.and_then(|folder| folder.canonicalize().ok());
    let script = main.as_deref().and_then(|main| main.canonicalize().ok());
    let others = others.filter(|folder| !script.as_ref().is_some_and(|main| main.starts_with(folder)));
    let confined = move || {
        let mut confinement = confined();
        confinement.forbidden.extend(others.clone());
        confinement.node = node;
        confinement.bundling = bundling.clone();
        confinement
    };
    let (within, forbidden) = {
        let confinement = confined();
        (confinement.own.unwrap_or(confinement.root), confinement.forbidden)
    };
    let has_worker = main.is_some();
    let there = main.as_deref().map_or(Ok(()), |main| {
        check_script(main, |message| match (&section.main, &own) {
            (None, Some(own)) => own.complain("main", message),
            _ => files.complain(&field("main"), message),
        })
    });
    let (graph, code) = if let (None, Ok(())) = (&main, &there) {
        (Arc::new(files_only()?), Code::default())
    } else if let (Some(main), true) = (main.clone(), common.reads) {
        let loaded = there.and_then(|()| reading::load(&main, &confined()));
        let graph = match loaded {
            Err(error) if flags.spares => {
                tracing::error!(
                    agent = name,
                    tenant = section.tenant.as_deref(),
                    "the agent can not be loaded, and answers 503 until it can: {}",
                    error.sentence()
                );
                unavailable()?
            }
            loaded => loaded?,
        };
        (Arc::new(graph), Code::default())
    } else {
        there?;
        let main = main.unwrap_or_default();
        (Graph::unread()?, Code::later(move || reading::load(&main, &confined())))
    };
    let egress = section.egress.as_deref();
    let egress = egress.map(|list| rules(&format!("agents.{name}.egress"), list));
    let owners = limits(project, Some(&section.limits));
    if let Some(own) = &own {
        tell_cut(&owners, &wrangler.limits, own, "its [agents.limits], or under [limits]");
    }
    let worker = Worker {
        vars,
        fills_environment: wrangler.node.fills_environment(),
        differences: wrangler.differences,
        loaders,
        limits: ceiling(owners, &wrangler.limits),
        code_generation: code_generation(section.unsafe_eval, section.wasm_unsafe_eval),
        ..Worker::of(name, Role::Agent, graph)
    };
    let written = Written {
        document: own,
        wrangler: wrangler.services,
        consumers: wrangler.tail_consumers,
        own: section.services.clone(),
        prefix: format!("agents[{index}]."),
    };
    let mut agent = Agent {
        egress,
        code,
        crons: wrangler.crons,
        tenant: section.tenant.clone(),
        matches: section.matches.clone(),
        tailed_by: section.tailed_by.clone(),
        entrypoint: section.outbound.entrypoint.clone(),
        props: section.outbound.props.clone(),
        parameters: section.outbound.parameters.clone(),
        ..Agent::from(worker)
    };
    if let (Some(document), Some(assets)) = (&written.document, &wrangler.assets) {
        let within = within.canonicalize().unwrap_or(within);
        attach(&mut agent, document, assets, (&within, &forbidden), has_worker)?;
    }
    Ok((agent, written))
}
