//! Puts flags and files together, and loads what they name.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use workerd_lite_ops::Role;

use super::document::Document;
use super::project_file::{Outbound, ProjectFile};
use super::secrets::Secrets;
use super::wrangler::Wrangler;
use crate::egress::address::Rules;
use crate::egress::tls::{Identity, certificates};
use crate::egress::{Network, Timeouts};
use crate::fault::Fault as ConfigError;
use crate::host::Project;
use crate::isolate::Worker;
use crate::isolate::modules::{Confinement, Graph};
use crate::serve::Options;

const WRANGLER: [&str; 3] = ["wrangler.jsonc", "wrangler.json", "wrangler.toml"];
const PROJECT: &str = "workerd-lite.toml";

/// What the command line says. It wins over the files.
#[derive(Debug, Default, Clone)]
pub struct Flags {
    /// The agent's script.
    pub script: Option<PathBuf>,
    /// The outbound worker's script.
    pub outbound: Option<PathBuf>,
    /// A wrangler file or a `workerd-lite.toml`.
    pub config: Option<PathBuf>,
    /// Where to listen.
    pub listen: Option<SocketAddr>,
    /// How many worker threads.
    pub threads: Option<usize>,
    /// Whether clients may read why a handler failed.
    pub dev: bool,
}

/// A project, ready to be served.
#[derive(Debug)]
pub struct Loaded {
    /// What runs.
    pub project: Project,
    /// How it is served.
    pub options: Options,
}

/// Reads the configuration and every script that it names.
pub fn load(flags: &Flags) -> Result<Loaded, ConfigError> {
    let files = Files::find(flags)?;
    let folder = files.folder.clone();
    let project: ProjectFile = match &files.project {
        Some(document) => document.parse(|_| {})?,
        None => ProjectFile::default(),
    };
    let wrangler = match &files.wrangler {
        Some(document) => read_wrangler(document)?,
        None => Wrangler::default(),
    };
    if !wrangler.mtls_certificates.is_empty() {
        tracing::warn!(
            "{WRANGLER_NAME}: mtls_certificates of an agent are ignored: certificates are bound to the outbound worker, \
             in workerd-lite.toml under [outbound]",
            WRANGLER_NAME = files
                .wrangler
                .as_ref()
                .map_or(String::new(), |file| file.path.display().to_string())
        );
    }

    let main = main_script(flags, &files, &wrangler, &project)?;
    let root = match (&files.wrangler, &files.project) {
        (None, None) => parent(&main),
        _ => folder.clone(),
    };
    let outbound = outbound(flags, &files, &project)?;
    let forbidden: HashSet<PathBuf> = outbound
        .iter()
        .flat_map(|(worker, _)| worker.graph.files())
        .map(Path::to_owned)
        .collect();
    let agent = Worker {
        name: wrangler.name.clone().unwrap_or_else(|| stem(&main)),
        role: Role::Agent,
        graph: Arc::new(Graph::load(&main, &Confinement { root, forbidden })?),
        vars: wrangler.vars,
        bindings: Vec::new(),
    };
    let options = Options {
        listen: flags
            .listen
            .or(project.listen)
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8787))),
        threads: flags
            .threads
            .or(project.threads)
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
    };
    if options.threads == 0 {
        return Err(ConfigError::new("threads must be at least 1"));
    }
    let mut builder = Project::builder(agent)
        .network(network(&files, &project)?)
        .policy_timeout(project.timeouts.policy)
        .show_errors(flags.dev);
    if let Some((worker, identities)) = outbound {
        builder = builder.outbound(worker);
        for (binding, identity) in identities {
            builder = builder.certificate(binding, identity);
        }
    }
    if let Some(section) = project.outbound {
        builder = builder.props(section.props);
    }
    Ok(Loaded {
        project: builder.build(),
        options,
    })
}

/// The two files, and the folder they are in.
struct Files {
    folder: PathBuf,
    wrangler: Option<Document>,
    project: Option<Document>,
}

impl Files {
    fn find(flags: &Flags) -> Result<Self, ConfigError> {
        let folder = match (&flags.config, &flags.script) {
            (Some(config), _) => parent(config),
            (None, Some(script)) => parent(script),
            (None, None) => PathBuf::from("."),
        };
        let named = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let mut wrangler = WRANGLER.iter().find_map(|name| named(name));
        let mut project = named(PROJECT);
        if let Some(config) = &flags.config {
            let is_wrangler = config
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("wrangler"));
            if is_wrangler || config.extension().is_none_or(|extension| extension != "toml") {
                wrangler = Some(config.clone());
            } else {
                project = Some(config.clone());
            }
        }
        Ok(Self {
            wrangler: wrangler.as_deref().map(Document::read).transpose()?,
            project: project.as_deref().map(Document::read).transpose()?,
            folder,
        })
    }
}

fn read_wrangler(document: &Document) -> Result<Wrangler, ConfigError> {
    let mut unknown = Vec::new();
    let wrangler: Wrangler = document.parse(|field| unknown.push(field))?;
    if wrangler.limits.is_some() {
        unknown.push("limits".to_owned());
    }
    if wrangler
        .compatibility_flags
        .as_ref()
        .is_some_and(|flags| !flags.is_empty())
    {
        unknown.push("compatibility_flags".to_owned());
    }
    if !unknown.is_empty() {
        tracing::warn!(
            "{}: ignored, because workerd-lite does not support them: {}",
            document.path.display(),
            unknown.join(", ")
        );
    }
    Ok(wrangler)
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
    wrangler
        .main
        .as_ref()
        .or(project.main.as_ref())
        .map(|main| files.folder.join(main))
        .ok_or_else(|| {
            ConfigError::new("there is no script to serve").with_help(
                "Give one: workerd-lite serve worker.js; or set `main` in wrangler.jsonc or workerd-lite.toml",
            )
        })
}

/// The outbound worker, and its bindings' names with their identities.
type Policy = (Worker, Vec<(String, Identity)>);

fn outbound(flags: &Flags, files: &Files, project: &ProjectFile) -> Result<Option<Policy>, ConfigError> {
    let nothing = Outbound::default();
    let section = project.outbound.as_ref().unwrap_or(&nothing);
    let own = match &section.config {
        Some(config) => Some(Document::read(&files.folder.join(config))?),
        None => None,
    };
    let wrangler = match &own {
        Some(document) => read_wrangler(document)?,
        None => Wrangler::default(),
    };
    let own_folder = own.as_ref().map(|document| document.folder().to_owned());
    let main = match (&flags.outbound, &section.main, &wrangler.main) {
        (Some(main), _, _) => main.clone(),
        (None, Some(main), _) => files.folder.join(main),
        (None, None, Some(main)) => own_folder.as_deref().unwrap_or(&files.folder).join(main),
        (None, None, None) if project.outbound.is_some() => {
            return Err(complain(
                files,
                "outbound.main",
                "expected `main` or `config`: the outbound worker's script",
            ));
        }
        (None, None, None) => return Ok(None),
    };
    let mut vars = wrangler.vars;
    vars.extend(section.vars.clone());
    let secrets = Secrets::read(own_folder.as_deref().unwrap_or(&files.folder))?;
    for name in &section.secrets {
        let value = secrets.get(name).ok_or_else(|| {
            complain(
                files,
                "outbound.secrets",
                &format!("the secret {name:?} is absent or empty"),
            )
            .with_help(format!(
                "Set {name} in the environment, or in a .dev.vars file beside the configuration"
            ))
        })?;
        vars.insert(name.clone(), Value::String(value));
    }
    let mut identities: Vec<(String, Identity)> = Vec::new();
    for bound in wrangler.mtls_certificates.iter().chain(&section.mtls_certificates) {
        if vars.contains_key(&bound.binding) || identities.iter().any(|(name, _)| *name == bound.binding) {
            let message = format!("the name {:?} is bound twice", bound.binding);
            return Err(complain(files, "outbound.mtls_certificates", &message));
        }
        let certificate = project.certificates.get(&bound.certificate_id).ok_or_else(|| {
            let message = format!("there is no certificate {:?}", bound.certificate_id);
            complain(files, "outbound.mtls_certificates", &message).with_help(format!(
                "Add a table [certificates.{}] with cert and key",
                bound.certificate_id
            ))
        })?;
        let join = |path: &PathBuf| files.folder.join(path);
        let roots: Vec<_> = certificate.ca.iter().map(join).collect();
        let identity = Identity::load(
            &bound.certificate_id,
            &join(&certificate.cert),
            &join(&certificate.key),
            &roots,
        )
        .map_err(|error| {
            complain(
                files,
                &format!("certificates.{}", bound.certificate_id),
                &error.to_string(),
            )
        })?;
        identities.push((bound.binding.clone(), identity));
    }
    let root = match (&flags.outbound, own_folder, &files.project) {
        (None, Some(folder), _) => folder,
        (None, None, Some(_)) => files.folder.clone(),
        _ => parent(&main),
    };
    let confinement = Confinement {
        root,
        forbidden: HashSet::new(),
    };
    let worker = Worker {
        name: wrangler.name.unwrap_or_else(|| stem(&main)),
        role: Role::Outbound,
        graph: Arc::new(Graph::load(&main, &confinement)?),
        vars,
        bindings: Vec::new(),
    };
    Ok(Some((worker, identities)))
}

fn network(files: &Files, project: &ProjectFile) -> Result<Network, ConfigError> {
    let mut roots = Vec::new();
    for path in &project.network.ca {
        let found = certificates(&files.folder.join(path))
            .map_err(|error| complain(files, "network.ca", &error.to_string()))?;
        roots.extend(found);
    }
    Ok(Network {
        rules: Arc::new(Rules::new(project.network.allow.clone(), project.network.deny.clone())),
        roots,
        bindings: Vec::new(),
        timeouts: Timeouts {
            connect: project.timeouts.connect,
            first_byte: project.timeouts.first_byte,
            idle: project.timeouts.idle,
        },
    })
}

fn complain(files: &Files, field: &str, message: &str) -> ConfigError {
    match &files.project {
        Some(document) => document.complain(field, message),
        None => ConfigError::new(format!("{field}: {message}")),
    }
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map_or_else(|| "worker".to_owned(), |stem| stem.to_string_lossy().into_owned())
}
