//! How a project is served: where, by how many threads, and what it watches.

use std::time::Duration;

use crate::config::Flags;
use crate::config::files::{Files, parent};
use crate::config::problems::Problems;
use crate::config::project_file::{Listening, ProjectFile};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::listen::ListenAddress;
use crate::serve::Options;

/// Where requests are taken if nobody says.
const DEFAULT_PORT: u16 = 8787;

/// How long what is under way is waited for at the end, where the owner says nothing: less than the 30 s that Kubernetes waits, so
/// that what is left is told of and written down.
const SHUTDOWN: Duration = Duration::from_secs(25);

/// What flags and file say of that.
pub(super) fn options(flags: &Flags, files: &Files, project: &ProjectFile) -> Result<Options, ConfigError> {
    let options = Options {
        listen: listen(flags, files, project)?,
        threads: flags
            .threads
            .or(project.threads)
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        admin: owners(files, project),
        admin_hosts: project.admin.iter().flat_map(|admin| admin.hosts.clone()).collect(),
        feed: None,
        shutdown: project.shutdown.unwrap_or(SHUTDOWN),
        watch: flags.watch.then(|| files.folder.clone()),
        writes: project
            .audit
            .iter()
            .filter_map(|audit| audit.file.as_ref())
            .chain(project.access_log.iter().filter_map(|log| log.file.as_ref()))
            .chain(&project.state)
            .map(|path| files.folder.join(path))
            .collect(),
    };
    if options.threads == 0 {
        let error = match flags.threads {
            Some(_) => ConfigError::new("--threads must be at least 1"),
            None => files.complain("threads", "threads must be at least 1"),
        };
        return Err(error);
    }
    Ok(options)
}

/// Where to listen: flags go before the file.
fn listen(flags: &Flags, files: &Files, project: &ProjectFile) -> Result<Vec<ListenAddress>, ConfigError> {
    if !flags.listen.is_empty() {
        return Ok(flags.listen.clone());
    }
    if project.tls.is_none() && project.listen.iter().any(|address| address.tls() == Some(true)) {
        return Err(files
            .complain("listen", "an address is to speak TLS, and there is no certificate")
            .with_help("Add [tls] with cert and key, or take tls = true out"));
    }
    let written = project.listen.iter().cloned();
    let mut addresses: Vec<_> = written.map(|address| address.within(&files.folder)).collect();
    if addresses.is_empty() {
        addresses.push(ListenAddress::local(DEFAULT_PORT));
    }
    if let Some(port) = flags.port {
        let with_port = addresses
            .iter_mut()
            .filter(|address| !matches!(address.place(), ListenAddress::Unix(..)));
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
        problems: Problems::default(),
    });
    let unheard = Problems::default();
    let written: Option<Listening> = files.project.as_ref().and_then(|document| document.parse(&unheard));
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
        shutdown: SHUTDOWN,
    }
}

fn owners(files: &Files, project: &ProjectFile) -> Vec<ListenAddress> {
    let listen = project.admin.iter().flat_map(|admin| admin.listen.clone());
    listen.map(|address| address.within(&files.folder)).collect()
}
