//! From flags and files to a project that can be served.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::agents::agents;
use super::credentials::credentials;
use super::identity::identity;
use super::matching::match_header;
use super::network::{Bindings, network};
use super::outbound::outbound;
use crate::config::Flags;
use crate::config::files::{Files, parent};
use crate::config::project_file::{Listening, ProjectFile};
use crate::config::secrets::Secrets;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::host::Project;
use crate::limits::ClientTimeouts;
use crate::listen::ListenAddress;
use crate::reloadable::ReloadableFiles;
use crate::rules::Forwarders;
use crate::serve::{Loaded, Options};

/// Where requests are taken if nobody says.
const DEFAULT_PORT: u16 = 8787;

/// Reads the configuration and every script that it names. A certificate that does not hold now is no failure.
pub fn load(flags: &Flags) -> Result<Loaded, ConfigError> {
    let files = Files::find(flags)?;
    let mut project: ProjectFile = match &files.project {
        Some(document) => document.parse()?,
        None => ProjectFile::default(),
    };
    if flags.testing {
        project.audit = None;
    }
    let mut reloadable = ReloadableFiles::default();
    let mut unusable = Vec::new();
    let policy = outbound(flags, &files, &project)?;
    let forbidden: HashSet<PathBuf> = policy
        .iter()
        .flat_map(|policy| policy.worker.graph.files())
        .map(Path::to_owned)
        .chain(project.private_files(&files))
        .collect();
    let agents = agents(flags, &files, &project, &forbidden)?;
    let policy_sha256 = policy.as_ref().map(|policy| policy.worker.graph.sha256().to_owned());
    let issuer = identity(&files, &project, policy_sha256.clone(), &mut reloadable, &mut unusable)?;
    let secrets = match &policy {
        Some(policy) => policy.secrets.clone(),
        None => Secrets::read(&files.folder, flags)?,
    };
    let credentials = credentials(&files, &project, &secrets)?;

    let mut read: Vec<PathBuf> = policy
        .iter()
        .map(|policy| &policy.worker)
        .chain(agents.iter().map(|agent| &agent.worker))
        .flat_map(|worker| worker.graph.files())
        .map(Path::to_owned)
        .collect();
    let documents = files.project.iter().chain(&files.wrangler);
    read.extend(documents.map(|document| document.path.clone()));
    read.extend_from_slice(secrets.files());
    let policys = project.outbound.iter().filter_map(|outbound| outbound.config.as_ref());
    let own = project
        .agents
        .iter()
        .flatten()
        .filter_map(|agent| agent.config.as_ref());
    read.extend(policys.chain(own).map(|path| files.folder.join(path)));
    let plain = policy.as_ref().map_or_else(Vec::new, |policy| policy.plain.clone());
    let mut all = agents.into_iter();
    let Some(first) = all.next() else {
        return Err(files.complain("agents", "expected at least one agent"));
    };
    let mut builder = Project::builder(first)
        .network(network(&files, &project, issuer, policy_sha256)?)
        .policy_timeout(project.timeouts.policy)
        .client_timeouts(ClientTimeouts {
            head: project.timeouts.head,
            unread: project.timeouts.unread,
        })
        .match_header(match_header(&files, &project)?)
        .forwarders(Forwarders(project.forwarded.clone()))
        .show_errors(flags.dev);
    for agent in all {
        builder = builder.agent(agent);
    }
    if let Some(policy) = policy {
        builder = builder.outbound(policy.worker).isolate_per(policy.isolate_per);
        let mut bindings = Bindings {
            files: &files,
            project: &project,
            credentials: &credentials,
            reloadable: &mut reloadable,
            unusable: &mut unusable,
        };
        for bound in &policy.certificates {
            let binding = bindings.identity(bound)?;
            builder = builder.binding(&bound.binding, binding);
        }
        for bound in project.outbound.iter().flat_map(|outbound| &outbound.credentials) {
            let binding = bindings.credential(&bound.credential, bound.propagate_trace)?;
            builder = builder.binding(&bound.binding, binding);
        }
    }
    Ok(Loaded {
        project: builder.build(),
        options: options(flags, &files, &project)?,
        reloadable,
        files: read,
        secrets: plain,
        unusable,
    })
}

fn options(flags: &Flags, files: &Files, project: &ProjectFile) -> Result<Options, ConfigError> {
    let options = Options {
        listen: listen(flags, files, project)?,
        threads: flags
            .threads
            .or(project.threads)
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        admin: owners(files, project),
        admin_hosts: project.admin.iter().flat_map(|admin| admin.hosts.clone()).collect(),
        feed: None,
        watch: flags.watch.then(|| files.folder.clone()),
        writes: project
            .audit
            .iter()
            .filter_map(|audit| audit.file.as_ref())
            .chain(&project.state)
            .map(|path| files.folder.join(path))
            .collect(),
    };
    if options.threads == 0 {
        return Err(ConfigError::new("threads must be at least 1"));
    }
    Ok(options)
}

/// Where to listen: flags go before the file.
fn listen(flags: &Flags, files: &Files, project: &ProjectFile) -> Result<Vec<ListenAddress>, ConfigError> {
    if !flags.listen.is_empty() {
        return Ok(flags.listen.clone());
    }
    let written = project.listen.iter().cloned();
    let mut addresses: Vec<_> = written.map(|address| address.within(&files.folder)).collect();
    if addresses.is_empty() {
        addresses.push(ListenAddress::local(DEFAULT_PORT));
    }
    if let Some(port) = flags.port {
        let with_port = addresses
            .iter_mut()
            .filter(|address| !matches!(address, ListenAddress::Unix(..)));
        let mut with_port: Vec<_> = with_port.collect();
        match with_port.as_mut_slice() {
            [] => addresses.push(ListenAddress::local(port)),
            [address] => **address = address.clone().with_port(port),
            _ => {
                return Err(files
                    .complain(
                        "listen",
                        "several addresses are listened on: --port does not say which of them it is for",
                    )
                    .with_help("Say all of them with --listen, once for each"));
            }
        }
    }
    Ok(addresses)
}

/// What is known of how a project is served that can not be loaded: flags, and as much of the file as can be read.
pub fn options_of_broken(flags: &Flags) -> Options {
    let files = Files::find(flags);
    let folder = flags
        .config
        .as_deref()
        .or(flags.script.as_deref())
        .map_or_else(|| ".".into(), parent);
    let files = files.unwrap_or(Files {
        folder,
        wrangler: None,
        project: None,
    });
    let written: Option<Listening> = files.project.as_ref().and_then(|document| document.parse().ok());
    let written = written.unwrap_or_default();
    let project = ProjectFile {
        listen: written.listen,
        admin: written.admin,
        ..ProjectFile::default()
    };
    let mut addresses = listen(flags, &files, &project).unwrap_or_default();
    if addresses.is_empty() {
        addresses.push(ListenAddress::local(flags.port.unwrap_or(DEFAULT_PORT)));
    }
    Options {
        listen: addresses,
        admin: owners(&files, &project),
        admin_hosts: Vec::new(),
        feed: None,
        watch: Some(files.folder),
        writes: Vec::new(),
        threads: 1,
    }
}

fn owners(files: &Files, project: &ProjectFile) -> Vec<ListenAddress> {
    let listen = project.admin.iter().flat_map(|admin| admin.listen.clone());
    listen.map(|address| address.within(&files.folder)).collect()
}
