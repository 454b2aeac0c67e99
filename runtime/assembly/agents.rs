//! The agents: those of `[[agents]]`, or the one script of the command line or of wrangler's file.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use workerd_lite_ops::Role;

use super::assets::{attach, npm_project};
use super::limits::apply;
use super::loaders::loaders;
use super::matching::distinct;
use super::modules::{Places, check_script, confinement, data};
use super::network::rules;
use super::services::{Finding, Written};
use super::tails::tails;
use super::unavailable::{files_only, unavailable};
use crate::config::Flags;
use crate::config::files::{Files, parent, stem};
use crate::config::project_file::ProjectFile;
use crate::config::tables::Agent as Section;
use crate::config::tables::{Limits, WranglerLimits};
use crate::config::wrangler::{self, Owner, Wrangler};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::host::{Agent, Code, Grant};
use crate::identity::is_plain;
use crate::isolate::modules::{Confinement, Graph, NodeModules};
use crate::isolate::{CodeGeneration, Worker};
use crate::limits::Limits as Values;

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
    if let (Some(_), Some(_)) = (&project.agents_dir, &project.main) {
        problems.add(
            files
                .complain("main", "expected this of each agent, not of all")
                .with_help("Put the script into a folder of `agents_dir`, or list its agent under [[agents]]"),
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
    problems.value(distinct(files, sections));
    agents
}

/// Where there are no more, their scripts are read before anything is served.
pub(super) const FEW: usize = 16;

const PLAIN: &str = "expected 1 to 63 letters, digits, dots, hyphens and underscores";

/// A file's name as an agent's.
fn plain(stem: &str) -> String {
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => letter,
        _ => '-',
    };
    let name: String = stem.chars().take(63).map(plain).collect();
    if is_plain(&name) { name } else { "worker".to_owned() }
}

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
        let loaded = there.and_then(|()| Graph::load(&main, &confined()));
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
        (Graph::unread()?, Code::later(move || Graph::load(&main, &confined())))
    };
    let egress = section.egress.as_deref();
    let egress = egress.map(|list| rules(&format!("agents.{name}.egress"), list));
    let exists = |wanted: &str| {
        sections.iter().enumerate().any(|(place, other)| {
            place != index && other.tenant == section.tenant && other.name.as_deref() == Some(wanted)
        })
    };
    let has_policy = project.outbound.is_some();
    let mut told = tails(&section.tails, has_policy, exists).unwrap_or_else(|(place, why)| {
        files
            .problems
            .add(files.complain(&field(&format!("tails[{place}].service")), &why));
        Vec::new()
    });
    match (tails(&wrangler.tail_consumers, has_policy, exists), &own) {
        (Ok(consumers), _) => told.extend(consumers),
        (Err((place, why)), Some(own)) => files
            .problems
            .add(own.complain(&format!("tail_consumers[{place}].service"), &why)),
        (Err(_), None) => {}
    }
    let worker = Worker {
        vars,
        fills_environment: wrangler.node.fills_environment(),
        differences: wrangler.differences,
        loaders,
        limits: ceiling(limits(project, Some(&section.limits)), &wrangler.limits),
        code_generation: code_generation(section.unsafe_eval, section.wasm_unsafe_eval),
        ..Worker::of(name, Role::Agent, graph)
    };
    let written = Written {
        document: own,
        wrangler: wrangler.services,
        own: section.services.clone(),
        prefix: format!("agents[{index}]."),
    };
    let mut agent = Agent {
        egress,
        code,
        tails: told,
        crons: wrangler.crons,
        tenant: section.tenant.clone(),
        matches: section.matches.clone(),
        entrypoint: section.outbound.entrypoint.clone(),
        props: section.outbound.props.clone(),
        parameters: section.outbound.parameters.clone(),
        ..Agent::from(worker)
    };
    if let (Some(document), Some(assets)) = (&written.document, &wrangler.assets) {
        attach(&mut agent, document, assets, (&within, &forbidden), has_worker)?;
    }
    Ok((agent, written))
}

fn single(
    flags: &Flags,
    files: &Files,
    project: &ProjectFile,
    forbidden: &Arc<HashSet<PathBuf>>,
) -> Result<Agent, ConfigError> {
    let wrangler = match &files.wrangler {
        Some(document) => wrangler::read(document, flags, Owner::Agent, &files.problems),
        None => Wrangler::none(flags),
    };
    let named = flags.script.is_some() || wrangler.main.is_some() || project.main.is_some();
    let main = match (&wrangler.assets, named) {
        (Some(_), false) => None,
        _ => Some(main_script(flags, files, &wrangler, project)?),
    };
    let check = |main: &PathBuf| {
        check_script(main, |message| match (&flags.script, &wrangler.main, &files.wrangler) {
            (Some(_), _, _) => ConfigError::new(message)
                .with_help("Give the path of a JavaScript module: workerd-lite serve worker.js"),
            (None, Some(_), Some(document)) => document.complain("main", message),
            _ => files.complain("main", message),
        })
    };
    main.as_ref().map_or(Ok(()), check)?;
    let root = match (&files.wrangler, &files.project) {
        (None, None) => main.as_deref().map_or_else(|| files.folder.clone(), parent),
        _ => files.folder.clone(),
    };
    let limits = if files.project.is_some() {
        ceiling(limits(project, None), &wrangler.limits)
    } else {
        // There is no other file: it is the owner's own.
        let mut limits = limits(project, None);
        apply(&Limits::from(&wrangler.limits), &mut limits);
        limits
    };
    let told = tails(&wrangler.tail_consumers, project.outbound.is_some(), |_| false);
    let told = match (told, &files.wrangler) {
        (Ok(told), _) => told,
        (Err((place, why)), Some(document)) => {
            return Err(document.complain(&format!("tail_consumers[{place}].service"), &why));
        }
        (Err(_), None) => Vec::new(),
    };
    let name = match (wrangler.name, &files.wrangler) {
        (Some(name), Some(document)) if !is_plain(&name) => return Err(document.complain("name", PLAIN)),
        (Some(name), _) => name,
        (None, _) => plain(&stem(main.as_deref().unwrap_or("assets".as_ref()))),
    };
    let confinement = Confinement {
        root,
        own: None,
        forbidden: (**forbidden).clone(),
        data: data(files, "modules", &project.modules)?,
        node: wrangler.node.into(),
        bundling: wrangler.bundling.clone(),
        overlay: None,
    };
    let graph = match &main {
        Some(main) => Graph::load(main, &confinement)?,
        None => files_only()?,
    };
    let graph = Arc::new(graph);
    let worker = Worker {
        loaders: loaders(
            files,
            "loaders",
            (&wrangler.worker_loaders, &project.loaders),
            &wrangler.vars,
        ),
        vars: wrangler.vars,
        fills_environment: wrangler.node.fills_environment(),
        differences: wrangler.differences,
        limits,
        code_generation: code_generation(project.unsafe_eval, project.wasm_unsafe_eval),
        ..Worker::of(name, Role::Agent, graph)
    };
    let finding = Finding {
        files,
        has_outbound: project.outbound.is_some(),
        may_miss: flags.allow_missing_bindings,
    };
    let written = Written {
        wrangler: wrangler.services,
        document: files.wrangler.clone(),
        ..Written::default()
    };
    let mut agents = [Agent::from(worker)];
    if let (Some(document), Some(assets)) = (&files.wrangler, &wrangler.assets) {
        // Where there is no other file, it is the owner's own, and what a build wrote may be beside it.
        let within = match &files.project {
            Some(_) => files.folder.clone(),
            None => npm_project(document.folder()),
        };
        attach(
            &mut agents[0],
            document,
            assets,
            (&within, &confinement.forbidden),
            main.is_some(),
        )?;
    }
    let services = finding.grants(&agents, 0, &written);
    let [mut agent] = agents;
    give(&mut agent, services);
    agent.tails = told;
    agent.crons = wrangler.crons;
    if let Some(outbound) = &project.outbound {
        agent.entrypoint.clone_from(&outbound.entrypoint);
        agent.props.clone_from(&outbound.props);
        agent.parameters.clone_from(&outbound.parameters);
    }
    Ok(agent)
}

/// Gives an agent its services, before those that its assets are.
fn give(agent: &mut Agent, mut services: Vec<Grant>) {
    services.append(&mut agent.services);
    agent.services = services;
}

/// As a page's policy says it, strings allow WebAssembly too.
fn code_generation(unsafe_eval: bool, wasm_unsafe_eval: bool) -> CodeGeneration {
    CodeGeneration {
        strings: unsafe_eval,
        wasm: unsafe_eval || wasm_unsafe_eval,
    }
}

/// An agent's limits as its owner's file has them: what is said of it goes before what is said of all.
pub(super) fn limits(project: &ProjectFile, own: Option<&Limits>) -> Values {
    let mut values = Values::AGENT;
    apply(&project.limits, &mut values);
    if let Some(own) = own {
        apply(own, &mut values);
    }
    values
}

/// What the agent's own file says of its limits, which only lowers them.
pub(super) fn ceiling(owners: Values, own: &WranglerLimits) -> Values {
    let mut asked = owners;
    apply(&Limits::from(own), &mut asked);
    Values {
        cpu: asked.cpu.min(owners.cpu),
        subrequests: asked.subrequests.min(owners.subrequests),
        ..owners
    }
}

fn main_script(
    flags: &Flags,
    files: &Files,
    wrangler: &Wrangler,
    project: &ProjectFile,
) -> Result<PathBuf, ConfigError> {
    if let Some(script) = &flags.script {
        return Ok(script.clone());
    }
    let own = match (&wrangler.main, &files.wrangler) {
        (Some(main), Some(document)) => Some(document.folder().join(main)),
        _ => None,
    };
    own.or_else(|| Some(files.folder.join(project.main.as_ref()?)))
        .ok_or_else(|| {
            let error = ConfigError::new("there is no script to serve").with_help(
                "Give one: workerd-lite serve worker.js; or set `main` in wrangler.jsonc or workerd-lite.toml",
            );
            match &files.wrangler {
                Some(document) => error.about(document.subject("main")),
                None => error.about(files.subject("main")),
            }
        })
}
