//! The one agent of a project without `[[agents]]`: the script of the command line, of wrangler's file or of the project's own.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use workerd_lite_ops::Role;

use super::agent::{PLAIN, ceiling, code_generation, give, limits, plain, tell_cut};
use super::assets::attach;
use super::limits::apply;
use super::loaders::loaders;
use super::modules::{check_script, data};
use super::npm_project::{project_around, workspace};
use super::services::{Finding, Written};
use super::tails::tails;
use super::unavailable::files_only;
use crate::config::Flags;
use crate::config::files::{Files, parent, stem};
use crate::config::project_file::ProjectFile;
use crate::config::tables::Limits;
use crate::config::wrangler::{self, Owner, Wrangler};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::host::Agent;
use crate::identity::is_plain;
use crate::isolate::Worker;
use crate::isolate::modules::{Confinement, reading};

/// The agent. `forbidden` are the policy's files.
pub(super) fn single(
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
    let (root, own) = match (&files.wrangler, &files.project) {
        (None, None) => (main.as_deref().map_or_else(|| files.folder.clone(), parent), None),
        // It is the owner's own file, and says what the script is.
        (Some(document), None) if flags.script.is_none() => workspace(document.folder()),
        _ => (files.folder.clone(), None),
    };
    let limits = if files.project.is_some() {
        let owners = limits(project, None);
        if let Some(document) = &files.wrangler {
            tell_cut(&owners, &wrangler.limits, document, "[limits]");
        }
        ceiling(owners, &wrangler.limits)
    } else {
        // There is no other file: it is the owner's own.
        let mut limits = limits(project, None);
        apply(&Limits::from(&wrangler.limits), &mut limits);
        limits
    };
    let told = tails(&wrangler.tail_consumers, project.outbound.is_some(), |_| false, &[]);
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
        links: own.is_some(),
        own,
        forbidden: (**forbidden).clone(),
        data: data(files, "modules", &project.modules)?,
        node: wrangler.node.into(),
        bundling: wrangler.bundling.clone(),
        sealed: false,
        overlay: None,
    };
    let graph = match &main {
        Some(main) => reading::load(main, &confinement)?,
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
            None => project_around(document.folder(), assets.directory.as_deref().unwrap_or(Path::new("."))),
        };
        let within = within.canonicalize().unwrap_or(within);
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
        (Some(main), Some(document)) => {
            if let Some(other) = &project.main {
                tracing::warn!(
                    "{}, main: {other:?} is passed over: {} says {main:?}",
                    files.location("main"),
                    document.location("main")
                );
            }
            Some(document.folder().join(main))
        }
        _ => None,
    };
    own.or_else(|| Some(files.folder.join(project.main.as_ref()?)))
        .ok_or_else(|| {
            let error = ConfigError::new("there is no script to serve").with_help(
                "Give one: workerd-lite serve worker.js; or set `main` in wrangler.jsonc or workerd-lite.toml",
            );
            let agents = files.subject("agents");
            match &files.wrangler {
                // Agents are there, and could not be read.
                _ if files.problems.is_unread(&agents) => error.about(agents),
                Some(document) => error.about(document.subject("main")),
                None => error.about(files.subject("main")),
            }
        })
}
