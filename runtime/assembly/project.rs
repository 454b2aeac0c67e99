//! From flags and files to a project that can be served.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::agents::agents;
use super::agents_dir::agents_dir;
use super::credentials::credentials;
use super::front::front;
use super::identity::identity;
use super::isolates::isolates;
use super::isolation::{isolation, policy_settings, settings};
use super::keys::Keys;
use super::matching::match_header;
use super::network::{Bindings, access_log, network};
use super::options::options;
use super::outbound::{Policy, outbound};
use crate::config::Flags;
use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::config::secrets::Secrets;
use crate::config::tables::Attack;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::host::{Agent, Project, ProjectBuilder};
use crate::limits::ClientTimeouts;
use crate::metrics::{self, CertificateEnds};
use crate::reloadable::ReloadableFiles;
use crate::rules::{Forwarders, HostPattern};
use crate::serve::{Loaded, OpenTo};

/// Reads the configuration and every script that it names. A certificate that does not hold now is no failure.
pub fn load(flags: &Flags) -> Result<Loaded, ConfigError> {
    let files = Files::find(flags)?;
    let problems = &files.problems;
    let mut project: ProjectFile = match &files.project {
        Some(document) => {
            let parsed = document.parse(problems);
            if parsed.is_none() {
                // What is not written follows from what could not be read.
                problems.end()?;
            }
            parsed.unwrap_or_default()
        }
        None => ProjectFile::default(),
    };
    if flags.testing {
        project.audit = None;
        project.access_log = None;
    }
    let mut reloadable = ReloadableFiles::default();
    let mut unusable = Vec::new();
    let ends = CertificateEnds::default();
    let policy = problems.value(outbound(flags, &files, &project)).flatten();
    let forbidden: HashSet<PathBuf> = policy
        .iter()
        .flat_map(|policy| policy.worker.graph.files())
        .map(Path::to_owned)
        .chain(project.private_files(&files))
        .collect();
    let forbidden = Arc::new(forbidden);
    let mut agents = agents(flags, &files, &project, &forbidden);
    isolation(&files, &project, &mut agents);
    let finder = problems
        .value(agents_dir(flags, &files, &project, &forbidden, &agents))
        .flatten();
    let policy_sha256 = policy.as_ref().map(|policy| policy.worker.graph.sha256().to_owned());
    let secrets = match &policy {
        Some(policy) => policy.secrets.clone(),
        None => problems
            .value(Secrets::read(&files.folder, flags))
            .unwrap_or_else(|| Secrets::none(flags)),
    };
    let keys = problems.value(Keys::new(&files, &project, &secrets));
    let issuer = identity(
        (&files, flags.looks),
        &project,
        policy_sha256.clone(),
        keys.as_ref(),
        (&mut reloadable, &ends),
        &mut unusable,
    );
    let issuer = problems.value(issuer).flatten();
    let credentials = credentials(&files, &project, &secrets, keys.as_ref());
    let read = read_files(&files, &project, policy.as_ref(), &agents, &secrets);
    no_records_there(&files, &project, &read);
    let front = front(&files, &project, keys.as_ref(), (&mut reloadable, &ends, &mut unusable));
    let front = problems.value(front);
    let mut network = network((&files, flags.looks), &project, issuer, policy_sha256);
    let options = problems.value(options(flags, &files, &project));
    let match_header = problems.value(match_header(&files, &project)).flatten();
    let access_log = problems.value(access_log((&files, flags.looks), &project)).flatten();
    let open = project.attack.as_ref().map(|open| open_to(&files, open));
    let open = problems.value(open.transpose()).flatten();
    let mut bindings = Bindings {
        keys: keys.as_ref(),
        files: &files,
        project: &project,
        credentials: &credentials,
        reloadable: &mut reloadable,
        unusable: &mut unusable,
        ends: &ends,
    };
    network.revoked = problems.value(bindings.revoked()).flatten();
    let mut bound = Vec::new();
    let own = project.outbound.iter().flat_map(|outbound| &outbound.mtls_certificates);
    let certificates: Vec<_> = match &policy {
        Some(policy) => policy.certificates.iter().collect(),
        None => own.collect(),
    };
    for each in certificates {
        let binding = problems.value(bindings.identity(each));
        bound.extend(binding.map(|binding| (each.binding.clone(), binding)));
    }
    for each in project.outbound.iter().flat_map(|outbound| &outbound.credentials) {
        let binding = problems.value(bindings.credential(&each.credential, each.propagate_trace));
        bound.extend(binding.map(|binding| (each.binding.clone(), binding)));
    }
    problems.end()?;
    if !flags.testing {
        unused(&mut bindings, policy.as_ref());
        tell_unread(&secrets);
        tell_selected(flags, &files, &project, &secrets);
    }
    problems.end()?;
    // Whatever is missing from here on has been told of.
    let threads = options.as_ref().map_or(1, |options| options.threads);
    let processes = settings(&project, &agents, threads, isolates(flags, &project));
    let own = policy.as_ref().map(|policy| &policy.worker);
    let policy_processes = policy_settings(&project, own, threads, isolates(flags, &project));
    let mut agents = agents.into_iter();
    let builder = match finder {
        Some(finder) => Some(ProjectBuilder::of_folder(Box::new(finder))),
        None => agents.next().map(Project::builder),
    };
    let (Some(builder), Some(options)) = (builder, options) else {
        return Err(files.complain("agents", "expected at least one agent"));
    };
    let mut builder = builder
        .isolates(isolates(flags, &project))
        .processes(processes)
        .policy_processes(policy_processes)
        .network(network)
        .policy_timeout(project.timeouts.policy)
        .client_timeouts(ClientTimeouts {
            head: project.timeouts.head,
            unread: project.timeouts.unread,
        })
        .match_header(match_header)
        .forwarders(Forwarders(project.forwarded.clone()))
        .front(front.unwrap_or_default())
        .show_errors(flags.dev)
        .access_log(access_log)
        .metrics_agents(
            project
                .admin
                .as_ref()
                .and_then(|admin| admin.metrics_agents)
                .unwrap_or(metrics::AGENTS),
        );
    for agent in agents {
        builder = builder.agent(agent);
    }
    let plain = policy.as_ref().map_or_else(Vec::new, |policy| policy.plain.clone());
    if let Some(policy) = policy {
        builder = builder.outbound(policy.worker).isolate_per(policy.isolate_per);
        for (name, binding) in bound {
            builder = builder.binding(&name, binding);
        }
    }
    Ok(Loaded {
        project: builder.build(),
        options,
        reloadable,
        files: read,
        secrets: plain,
        attack: open,
        unusable,
        certificate_ends: ends,
    })
}

/// Warns of credentials and certificates that nobody is given. Files of those that cannot be used are an error all the same.
fn unused(bindings: &mut Bindings<'_>, policy: Option<&Policy>) {
    let (project, files) = (bindings.project, bindings.files);
    let bound = project.outbound.iter().flat_map(|outbound| &outbound.credentials);
    let bound: HashSet<&str> = bound.map(|bound| bound.credential.as_str()).collect();
    for name in project.credentials.keys().filter(|name| !bound.contains(name.as_str())) {
        let place = files.location(&format!("credentials.{name}"));
        tracing::warn!(
            "{place}, credentials.{name}: nobody is given it: bind it with credentials = [{{ binding = \"NAME\", credential = {name:?} }}] under [outbound]"
        );
    }
    let own = policy.iter().flat_map(|policy| &policy.certificates);
    let own = own.map(|bound| bound.certificate_id.as_str());
    let of_credentials = project
        .credentials
        .values()
        .filter_map(|section| section.certificate.as_deref());
    let shown: HashSet<&str> = own.chain(of_credentials).collect();
    for id in project.certificates.keys().filter(|id| !shown.contains(id.as_str())) {
        let field = format!("certificates.{id}");
        let place = files.location(&field);
        tracing::warn!(
            "{place}, {field}: nobody is given it: bind it with mtls_certificates under [outbound], or name it in a credential"
        );
        files.problems.value(bindings.look(&field, id));
    }
}

/// Warns of what stands in `.dev.vars` and nobody reads.
fn tell_unread(secrets: &Secrets) {
    let Some((path, names)) = secrets.unread() else { return };
    tracing::warn!(
        "{}: nobody reads {}: an agent's `env` has `vars` and no secrets, and the policy's those that `secrets` of [outbound] or [credentials] name",
        path.display(),
        names.join(", ")
    );
}

/// Warns of a file of secrets that is not read, and of an environment that nothing is of: the secrets of the top level are another one's.
fn tell_selected(flags: &Flags, files: &Files, project: &ProjectFile, secrets: &Secrets) {
    if let Some(why) = secrets.unreadable() {
        tracing::warn!("{why}: secrets come from the environment alone");
    }
    let Some(name) = flags.env.as_ref().filter(|name| !name.is_empty()) else {
        return;
    };
    let sections = project.agents.iter().flatten().map(|agent| &agent.config);
    let mut configs = sections.chain(project.outbound.iter().map(|outbound| &outbound.config));
    let has_wrangler = files.wrangler.is_some() || project.agents_dir.is_some() || configs.any(Option::is_some);
    if !has_wrangler && !secrets.has_own() {
        tracing::warn!(
            "--env {name} selects nothing: there is no .dev.vars.{name}, and no wrangler file with env.{name}"
        );
    }
}

/// Records are appended to no file that the project is made of.
fn no_records_there(files: &Files, project: &ProjectFile, read: &[PathBuf]) {
    let audit = project.audit.iter().filter_map(|audit| audit.file.as_ref());
    let access = project.access_log.iter().filter_map(|log| log.file.as_ref());
    let written = audit.map(|file| ("audit.file", file));
    let written = written.chain(access.map(|file| ("access_log.file", file)));
    let own = read.iter().cloned().chain(project.given_files(files));
    let own: HashSet<PathBuf> = own.filter_map(|path| path.canonicalize().ok()).collect();
    for (field, file) in written {
        let path = files.folder.join(file).canonicalize();
        if path.is_ok_and(|path| own.contains(&path)) {
            let why = format!(
                "{} is a file of the project: records would be appended to it",
                file.display()
            );
            files.problems.add(
                files
                    .complain(field, &why)
                    .with_help("Name a file of its own, such as \"audit.ndjson\""),
            );
        }
    }
}

/// The scripts and the configuration: where one changes, the project is another.
fn read_files(
    files: &Files,
    project: &ProjectFile,
    policy: Option<&Policy>,
    agents: &[Agent],
    secrets: &Secrets,
) -> Vec<PathBuf> {
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
    let assets = agents.iter().filter_map(|agent| agent.assets.as_ref());
    read.extend(assets.flat_map(|assets| assets.rules_files()));
    read
}

fn open_to(files: &Files, section: &Attack) -> Result<OpenTo, ConfigError> {
    if section.reason.trim().is_empty() {
        return Err(files
            .complain("attack.reason", "expected why the policy is open")
            .with_help("It is printed with each report of `workerd-lite test --attack`"));
    }
    let parse = |text: &String| {
        let parsed: Result<HostPattern, _> = text.parse();
        parsed.map_err(|error| files.complain("attack.allow", &error.to_string()))
    };
    Ok(OpenTo {
        allow: section.allow.iter().map(parse).collect::<Result<_, _>>()?,
        patterns: section.allow.clone(),
        reason: section.reason.trim().to_owned(),
    })
}
