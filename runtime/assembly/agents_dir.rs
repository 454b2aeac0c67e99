//! `agents_dir`: a folder whose folders are agents. What is looked for comes from whoever asks, so that it is a plain name or nothing,
//! and what is found lies where its name says: no symbolic link leads elsewhere.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use workerd_lite_ops::Role;
use workerd_lite_ops::account::AgentId;

use super::agent::{ceiling, limits};
use super::assets::attach;
use super::loaders::loaders_found;
use super::tails::tails;
use super::unavailable::files_only;
use crate::config::Flags;
use crate::config::document::Document;
use crate::config::files::{Files, WRANGLER};
use crate::config::problems::Problems;
use crate::config::project_file::ProjectFile;
use crate::config::wrangler::{self, Owner, Wrangler};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::host::{Agent, Code, Finder, Isolation, matches_name};
use crate::identity::is_plain;
use crate::isolate::modules::{Confinement, Data, Graph, reading};
use crate::isolate::{StartupError, Worker};
use crate::limits::Limits;
use crate::reloadable::Stamp;

/// The script of an agent without a wrangler file.
const SCRIPT: &str = "worker.js";

/// What reads as an agent's script.
const SCRIPTS: [&str; 9] = [
    SCRIPT,
    "wrangler.jsonc",
    "wrangler.json",
    "wrangler.toml",
    "worker.ts",
    "worker.mjs",
    "index.js",
    "index.ts",
    "index.mjs",
];

/// What hosts end in where nobody says.
const DOMAIN: &str = "localhost";

/// The agents of a folder.
#[derive(Debug)]
pub(super) struct AgentsDir {
    /// The folder, symbolic links resolved.
    folder: PathBuf,
    /// The project's, the same.
    root: PathBuf,
    domain: String,
    forbidden: Arc<HashSet<PathBuf>>,
    /// Agents that are listed: nobody else is called so. With each those of a folder that may have it told of their events.
    listed: HashMap<AgentId, Vec<String>>,
    limits: Limits,
    flags: Flags,
    /// Whether the project has a policy.
    has_policy: bool,
    isolation: Isolation,
}

/// The finder of a project that has such a folder.
pub(super) fn agents_dir(
    flags: &Flags,
    files: &Files,
    project: &ProjectFile,
    forbidden: &Arc<HashSet<PathBuf>>,
    listed: &[Agent],
) -> Result<Option<AgentsDir>, ConfigError> {
    let Some(named) = &project.agents_dir else {
        return match &project.agents_domain {
            Some(_) => Err(files.complain("agents_domain", "there is no agents_dir whose agents have it")),
            None => Ok(None),
        };
    };
    let path = files.folder.join(named);
    let failed = |why: String| {
        files.complain(
            "agents_dir",
            &format!("the folder {} can not be read: {why}", path.display()),
        )
    };
    let folder = path.canonicalize().map_err(|error| failed(error.to_string()))?;
    fs::read_dir(&folder).map_err(|error| failed(error.to_string()))?;
    let root = files.folder.canonicalize().map_err(|error| failed(error.to_string()))?;
    let domain = project.agents_domain.as_deref().unwrap_or(DOMAIN);
    let domain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
    if !domain.split('.').all(is_label) {
        return Err(files
            .complain("agents_domain", "expected a domain")
            .with_help("Write it as in agents_domain = \"agents.example.com\""));
    }
    let found = AgentsDir {
        root: if folder.starts_with(&root) {
            root
        } else {
            folder.clone()
        },
        folder,
        domain,
        forbidden: Arc::clone(forbidden),
        listed: listed
            .iter()
            .map(|agent| (agent.id(), agent.tailed_by.clone()))
            .collect(),
        limits: limits(project, None),
        flags: flags.clone(),
        has_policy: project.outbound.is_some(),
        isolation: project.isolation.agents,
    };
    if flags.looks && !flags.testing {
        for overlooked in found.overlooked(project.match_header.is_some()) {
            tracing::warn!("{overlooked}");
        }
    }
    Ok(Some(found))
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Whether a folder may be an agent's or a tenant's: as agents' names are, and neither hidden nor a package manager's.
fn names_folder(name: &str) -> bool {
    is_plain(name) && !name.starts_with('.') && name != "node_modules"
}

/// A file's or folder's state, where it is one itself and no link to one.
fn state(path: &Path) -> Option<fs::Metadata> {
    fs::symlink_metadata(path).ok().filter(|found| !found.is_symlink())
}

/// What makes a folder an agent: a file of a name of these, the first of which counts.
fn begins_with(folder: &Path) -> Option<PathBuf> {
    let names = WRANGLER.iter().chain([&SCRIPT]);
    let mut paths = names.map(|name| folder.join(name));
    paths.find(|path| state(path).is_some_and(|found| found.is_file()))
}

impl AgentsDir {
    /// The folder of an agent, if there is one.
    fn place(&self, id: &AgentId) -> Option<PathBuf> {
        if self.listed.contains_key(id) {
            return None;
        }
        let mut path = self.folder.clone();
        for name in id.tenant.iter().chain([&id.name]) {
            if !names_folder(name) {
                return None;
            }
            // What lies within an agent's folder is its own.
            if path != self.folder && begins_with(&path).is_some() {
                return None;
            }
            path.push(&**name);
            state(&path).filter(fs::Metadata::is_dir)?;
        }
        Some(path)
    }

    /// What reads as an agent and is none, or is one that nobody can ask for: sentences. `by_header` tells whether a header may name agents.
    fn overlooked(&self, by_header: bool) -> Vec<String> {
        let mut told = Vec::new();
        let agents = self.list();
        if agents.is_empty() {
            told.push(format!("{} has no agent yet", self.folder.display()));
        }
        for id in agents.iter().filter(|_| !by_header) {
            let mut parts = id.tenant.iter().chain([&id.name]);
            let hosts_have = |part: &str| !part.contains('.') && !part.bytes().any(|byte| byte.is_ascii_uppercase());
            if !parts.all(|part| hosts_have(part)) {
                told.push(format!(
                    "nobody can ask for the agent {id}: hosts have no capitals, and no dots within a name. Rename its folder, or set match_header"
                ));
            }
        }
        let folders = |folder: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
            folders.sort_unstable();
            folders
        };
        let of = |path: &Path| {
            let names = path.strip_prefix(&self.folder).ok()?.to_str()?;
            let id = match names.split_once('/') {
                Some((tenant, name)) => AgentId::new(Some(tenant), name),
                None => AgentId::new(None, names),
            };
            Some(id)
        };
        let is_agent = |path: &Path| of(path).is_some_and(|id| agents.contains(&id) || self.listed.contains_key(&id));
        let first = folders(&self.folder);
        let within = first
            .iter()
            .filter(|path| !is_agent(path))
            .flat_map(|path| folders(path));
        for path in first.iter().cloned().chain(within).filter(|path| !is_agent(path)) {
            let is_hidden = |path: &Path| {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                name.starts_with('.') || name == "node_modules"
            };
            if path
                .ancestors()
                .take_while(|path| **path != *self.folder)
                .any(is_hidden)
            {
                continue;
            }
            let script = SCRIPTS.iter().find(|name| path.join(name).is_file());
            if let Some(script) = script {
                told.push(format!(
                    "{} is no agent, though it has a {script}: an agent's folder has a {SCRIPT} or a wrangler file, a name of letters, digits, dots, hyphens and underscores, and is no link",
                    path.display()
                ));
            }
        }
        told
    }

    /// The agent of a folder.
    fn read(&self, id: &AgentId, folder: &Path) -> Result<Agent, ConfigError> {
        let gone = || ConfigError::new(format!("there is no agent in {}", folder.display()));
        let first = begins_with(folder).ok_or_else(gone)?;
        let problems = Problems::default();
        let (main, wrangler, document) = if first.ends_with(SCRIPT) {
            (Some(first), Wrangler::none(&self.flags), None)
        } else {
            let document = Document::read_agents(&first)?;
            let wrangler = wrangler::read(&document, &self.flags, Owner::Agent, &problems);
            if let Some(service) = wrangler.services.first() {
                let why = format!(
                    "env.{} would be missing: agents of `agents_dir` have no services; list it under [[agents]]",
                    service.binding
                );
                problems.add(document.complain("services[0].binding", &why));
            }
            problems.end()?;
            let main = wrangler.main.as_ref().map(|main| folder.join(main));
            let script = main.unwrap_or_else(|| folder.join(SCRIPT));
            let has_none = wrangler.main.is_none() && wrangler.assets.is_some() && state(&script).is_none();
            ((!has_none).then_some(script), wrangler, Some(document))
        };
        let has_worker = main.is_some();
        let confinement = Confinement {
            root: self.root.clone(),
            own: Some(folder.to_owned()),
            forbidden: (*self.forbidden).clone(),
            data: Data::default(),
            node: wrangler.node.into(),
            bundling: wrangler.bundling.clone(),
            links: false,
            sealed: true,
            overlay: None,
        };
        let within = folder.to_owned();
        let code = Code::later(move || {
            let Some(main) = &main else { return files_only() };
            // The script may be a link, or be named by a path that leads elsewhere.
            if main.canonicalize().is_ok_and(|main| !main.starts_with(&within)) {
                return Err(StartupError::new(format!(
                    "the script {} is outside of its agent's folder",
                    main.display()
                )));
            }
            reading::load(main, &confinement)
        });
        let mut agent = self.agent(id, code)?;
        agent.tails = tails(
            &wrangler.tail_consumers,
            self.has_policy,
            |name| {
                let tailed_by = self.listed.get(&AgentId::new(id.tenant.as_deref(), name));
                tailed_by.is_some_and(|patterns| patterns.iter().any(|pattern| matches_name(pattern, &id.name)))
            },
            &[],
        )
        .map_err(|(place, why)| {
            ConfigError::new(format!(
                "tail_consumers[{place}].service: {why}; an agent of `agents_dir` may name one whose section under [[agents]] has it in `tailed_by`"
            ))
        })?;
        agent.worker.loaders = loaders_found(&wrangler.worker_loaders, &wrangler.vars)?;
        agent.worker.vars = wrangler.vars;
        agent.worker.fills_environment = wrangler.node.fills_environment();
        agent.worker.differences = wrangler.differences;
        agent.worker.limits = ceiling(self.limits, &wrangler.limits);
        if let (Some(document), Some(assets)) = (&document, &wrangler.assets) {
            attach(&mut agent, document, assets, (folder, &self.forbidden), has_worker)?;
        }
        Ok(agent)
    }

    fn agent(&self, id: &AgentId, code: Code) -> Result<Agent, StartupError> {
        let worker = Worker {
            limits: self.limits,
            ..Worker::of(id.name.to_string(), Role::Agent, Graph::unread()?)
        };
        Ok(Agent {
            tenant: id.tenant.as_deref().map(ToOwned::to_owned),
            code,
            isolation: self.isolation,
            ..Agent::from(worker)
        })
    }
}

impl Finder for AgentsDir {
    fn look(&self, id: &AgentId) -> Option<Stamp> {
        let folder = self.place(id)?;
        let first = begins_with(&folder)?;
        let states = [folder, first].map(|path| {
            let found = state(&path)?;
            Some((found.modified().ok()?, found.len(), found.ino()))
        });
        Some(states.to_vec())
    }

    fn make(&self, id: &AgentId) -> Option<Agent> {
        let folder = self.place(id)?;
        self.read(id, &folder)
            .or_else(|error| {
                let why = error.sentence();
                self.agent(id, Code::later(move || Err(StartupError::new(why.clone()))))
            })
            .ok()
    }

    fn list(&self) -> Vec<AgentId> {
        let names = |folder: &Path| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let mut names: Vec<String> = entries
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect();
            names.sort_unstable();
            names
        };
        let mut ids = Vec::new();
        for name in names(&self.folder) {
            let id = AgentId::new(None, &name);
            match self.place(&id) {
                Some(folder) if begins_with(&folder).is_none() => {
                    ids.extend(names(&folder).iter().map(|own| AgentId::new(Some(&name), own)));
                }
                Some(_) => ids.push(id),
                None => {}
            }
        }
        ids.retain(|id| self.look(id).is_some());
        ids
    }

    fn domain(&self) -> &str {
        &self.domain
    }

    fn headers(&self) -> usize {
        self.limits.headers
    }

    fn isolation(&self) -> Isolation {
        self.isolation
    }

    fn patience(&self) -> Duration {
        self.limits.wall
    }
}
