//! The server: a listener, worker threads with their isolates, and a graceful stop.

mod accept;
mod access;
mod client_frames;
mod client_io;
mod client_stream;
mod connection;
mod connection_service;
mod forwarded;
mod load_shedding;
mod malformed;
mod opening;
mod parent;
mod raw_heads;
mod restart;
mod sockets;
mod stop;
mod stopping;
mod switched;
mod thread_pool;
mod tracked_body;
mod waiting;
mod worker_thread;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::Duration;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use workerd_lite_ops::Termination;

use crate::admin::{self, Owned};
use crate::audit::Feed;
use crate::diagnostic::{SourceDiagnostic, plain_report};
use crate::files_read;
use crate::host::Project;
use crate::isolate::{StartupError, crash_marker};
use crate::limits::{Culprit, Hang, hangs};
use crate::listen::{ListenAddress, ListenError, Listener};
use crate::metrics::{self, CertificateEnds};
use crate::reloadable::{ReloadableFiles, Watching};
use crate::rules::HostPattern;
use crate::watch::Watch;
use crate::websocket;
use accept::Acceptor;
pub use parent::{Listening, Parent};
pub use sockets::Listeners;
use thread_pool::ThreadPool;
pub use waiting::{Mending, Waited, wait};

/// How often files are looked at where they are watched.
const LOOK: Duration = Duration::from_millis(100);

/// How long whoever reads the audit records is waited for at the end.
const FLUSH: Duration = Duration::from_secs(2);

/// How a server is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen. Port 0 takes a free one.
    pub listen: Vec<ListenAddress>,
    /// Where the owner's own listener is, if there is one.
    pub admin: Vec<ListenAddress>,
    /// By which names that is asked, beside this machine's own.
    pub admin_hosts: Vec<String>,
    /// What an author looks at on the owner's listener.
    pub feed: Option<Arc<Feed>>,
    /// The project's folder, where the project is loaded anew when a file of it changes.
    pub watch: Option<PathBuf>,
    /// What the server itself writes there.
    pub writes: Vec<PathBuf>,
    /// How many worker threads, at least one.
    pub threads: usize,
    /// How long what is under way is waited for at the end.
    pub shutdown: Duration,
}

/// Hosts that a policy may reach though nothing names them, by its owner's word.
#[derive(Debug, Clone)]
pub struct OpenTo {
    /// The hosts.
    pub allow: Vec<HostPattern>,
    /// As they were written.
    pub patterns: Vec<String>,
    /// Why.
    pub reason: String,
}

/// A project, ready to be served.
#[derive(Debug)]
pub struct Loaded {
    /// What runs.
    pub project: Project,
    /// How it is served.
    pub options: Options,
    /// The files that may change meanwhile.
    pub reloadable: ReloadableFiles,
    /// Scripts and configuration.
    pub files: Vec<PathBuf>,
    /// Secrets that are in the policy's `env`, with their values.
    pub secrets: Vec<(String, String)>,
    /// Where a policy that is meant to be open may go, for whoever attacks it.
    pub attack: Option<OpenTo>,
    /// Certificates that do not hold now: what uses them is refused, and the rest is served.
    pub unusable: Vec<SourceDiagnostic>,
    /// Until when certificates hold, for the metrics.
    pub certificate_ends: CertificateEnds,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ServeError {
    /// An address cannot be listened on.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Listen(#[from] ListenError),
    /// A worker did not start.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Startup(#[from] StartupError),
    /// The system refused a thread or a signal handler.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

/// Serves a project until SIGINT or SIGTERM, on sockets that listen already. `parent` hears of it. SIGHUP opens the audit file anew
/// and serves what `reload` gives, if that starts.
pub async fn serve(
    loaded: Loaded,
    mut listeners: Listeners,
    parent: &mut impl Parent,
    mut reload: impl FnMut() -> Result<Loaded, SourceDiagnostic>,
) -> Result<(), ServeError> {
    let Loaded {
        mut project,
        options,
        reloadable,
        files,
        certificate_ends,
        ..
    } = loaded;
    metrics::certificates(certificate_ends);
    let mut shutdown = options.shutdown;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut hung = hangs();
    let mut threads = tokio::select! {
        threads = ThreadPool::start(&project, options.threads.max(1)) => threads?,
        worker = hangs_at_start(&mut hung) => return Err(StartupError::new(format!(
            "{worker} does not come back from what it does at its top level"
        )).into()),
        // Nothing is under way. Threads that wait, as for a debugger, end with the process.
        _ = interrupt.recv() => {
            stopped_at_start();
            return Ok(());
        }
        _ = terminate.recv() => {
            stopped_at_start();
            return Ok(());
        }
    };
    let mut watching = reloadable.start()?;
    let owned = watch::Sender::new(Owned {
        issuer: project.network().identity.clone(),
        hosts: options.admin_hosts.clone(),
        stops: false,
    });
    let listening = listeners.listening()?.over_tls(project.speaks_tls());
    let address = listening.shown.first().cloned().unwrap_or_default();
    parent.ready(listening, project.agent_names().count());
    let parent = &*parent;
    let Listeners {
        clients: listener,
        owner,
    } = listeners;
    let mut answering = None;
    if !owner.is_empty() {
        for shown in owner.iter().map(Listener::shown) {
            tracing::info!("the owner's listener is {shown}");
            if options.feed.is_some() && shown.starts_with("http") {
                tracing::info!("a page shows what happens: {shown}/dev");
            }
        }
        let owner: Arc<[Listener]> = owner.into();
        let serving = admin::start(Arc::clone(&owner), owned.subscribe(), options.feed.clone());
        answering = Some((serving, owner));
    }
    project.tell(&address);
    let every = parent.alive_every();
    let mut beat = tokio::time::interval(every.unwrap_or(Duration::from_hours(1)));
    let mut lost = HashSet::new();
    let mut replaced = false;
    let mut watched = Watch::new(files);
    let mut look = tokio::time::interval(LOOK);
    let mut acceptor = Acceptor::new();

    loop {
        // A branch that comes to its end loads the project anew.
        tokio::select! {
            accepted = acceptor.accept(&listener, threads.open(), project.speaks_tls()) => {
                if let Some(stream) = accepted {
                    threads.assign(stream);
                }
                continue;
            }
            Ok(hang) = hung.recv() => {
                let Err(why) = relieve(hang, &mut threads, &project, &mut lost) else { continue };
                tracing::error!("{why}");
                // Until the next process serves, this one goes on as it can.
                if std::mem::replace(&mut replaced, true) {
                    break;
                }
                parent.replace_us();
                continue;
            }
            booted = threads.relieved() => {
                let Err(error) = booted else { continue };
                tracing::error!("a thread could not be relieved: {:?}", miette::Report::new(error));
                if !std::mem::replace(&mut replaced, true) {
                    parent.replace_us();
                }
                break;
            }
            _ = hangup.recv() => {
                if let Some(audit) = &project.network().audit {
                    if let Err(error) = audit.reopen() {
                        tracing::error!("the audit file can not be opened: {error}");
                    }
                }
                if let Some(Err(error)) = project.access_log().map(|log| log.reopen()) {
                    tracing::error!("the access log can not be opened: {error}");
                }
            }
            _ = look.tick(), if options.watch.is_some() => {
                if !watched.changed() {
                    continue;
                }
            }
            _ = beat.tick(), if every.is_some() => {
                parent.alive();
                continue;
            }
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
        // As things were before they are read: what is saved meanwhile is a change.
        let below = |folder: &PathBuf| Watch::below(folder, options.writes.clone(), Vec::new());
        let before = options.watch.as_ref().map(below);
        let replacing = tokio::select! {
            replacing = replace(&threads, &mut reload, options.feed.as_deref()) => replacing,
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        };
        match (replacing, before) {
            (Ok((next, files)), before) => {
                restart::warn(&options, &next.options);
                project = next.project;
                project.tell(&address);
                watching = next.watching;
                shutdown = next.options.shutdown;
                owned.send_modify(|owned| {
                    owned.issuer.clone_from(&project.network().identity);
                    owned.hosts = next.options.admin_hosts;
                });
                watched = before.map_or_else(Watch::default, |before| before.only(files));
            }
            // What is broken may be a file that the old project does not have.
            (Err(read), Some(before)) => watched = before.also(read),
            (Err(_), None) => {}
        }
        parent.reloaded(project.agent_names().count());
    }
    owned.send_modify(|owned| owned.stops = true);
    metrics::drains();
    websocket::stop();
    if !replaced {
        // Before they are closed: from then on a file may be another server's.
        let owners = answering.iter().flat_map(|(_, owner)| owner.iter());
        listener.iter().chain(owners).for_each(Listener::remove);
    }
    // Whoever has connected was accepted by the system already. Another process accepts them where this one is replaced.
    for listener in listener {
        while !replaced && let Some(stream) = listener.accept_waiting() {
            threads.assign(stream);
        }
    }
    // The task has the owner's listeners, and leaves where a successor comes.
    if let Some((serving, owner)) = answering {
        drop(owner);
        if replaced {
            serving.abort();
        }
    }
    stop::stop(&mut threads, lost, shutdown, [&mut interrupt, &mut terminate]).await;
    drop(watching);
    if let Some(log) = project.access_log() {
        log.flush(FLUSH);
    }
    if let Some(audit) = &project.network().audit {
        audit.flush(FLUSH);
    }
    Ok(())
}

fn stopped_at_start() {
    tracing::info!("stopped before anything was served");
}

/// Puts another thread in the place of one that is late, and gives up one that is lost. Fails where the process is to be
/// replaced.
fn relieve(
    hang: Hang,
    threads: &mut ThreadPool,
    project: &Project,
    lost: &mut HashSet<ThreadId>,
) -> std::io::Result<()> {
    match hang {
        Hang::Late(thread, worker, why) => {
            project.forsakes(thread);
            if let Some(agent) = worker.agent() {
                project.hung(agent);
                // Its clients are answered from outside now. Its events may go with their connections before their thread comes back.
                project.blame(agent, why);
            }
            let is_it = |place| worker.agent().is_some_and(|agent| project.is(place, agent));
            let relieved = threads.relieve(thread, project, (is_it, why));
            relieved.inspect_err(|_| crash_marker::blame(&worker))
        }
        Hang::Silent(thread) => {
            project.forsakes(thread);
            threads.relieve(thread, project, (|_| false, Termination::Busy))
        }
        Hang::Lost(thread, _) => {
            threads.give_up(thread);
            lost.insert(thread);
            Ok(())
        }
        Hang::TooMuch(worker) => {
            if let Some(agent) = worker.agent() {
                // What it has under way may be lost with the process.
                project.blame(agent, Termination::Memory);
            }
            crash_marker::blame(&worker);
            Err(std::io::Error::other(
                "threads are lost: more than one process may lose, or for longer",
            ))
        }
    }
}

/// Waits for a thread that is lost before anything is served, and gives the worker.
async fn hangs_at_start(hung: &mut tokio::sync::broadcast::Receiver<Hang>) -> Culprit {
    loop {
        if let Ok(Hang::Lost(_, worker) | Hang::TooMuch(worker)) = hung.recv().await {
            crash_marker::blame(&worker);
            return worker;
        }
    }
}

/// What is served in the place of what was.
struct Replaced {
    project: Project,
    options: Options,
    watching: Watching,
}

/// Loads the project anew, and says how that went. Where it went wrong the files are given that were read.
async fn replace(
    threads: &ThreadPool,
    reload: &mut impl FnMut() -> Result<Loaded, SourceDiagnostic>,
    feed: Option<&Feed>,
) -> Result<(Replaced, Vec<PathBuf>), Vec<PathBuf>> {
    let tell = |error: Option<String>| {
        if let Some(feed) = feed {
            feed.note(json!({ "kind": "reload", "error": error }));
        }
    };
    let (loaded, read) = files_read::recorded(reload);
    match try_replace(threads, loaded).await {
        Ok((replaced, mut files)) => {
            metrics::reloaded(true);
            tracing::info!("the project was loaded anew");
            tell(None);
            files.extend(read);
            Ok((replaced, files))
        }
        Err(report) => {
            metrics::reloaded(false);
            tracing::error!("the project could not be loaded anew, the old one stays: {report:?}");
            tell(Some(plain_report(&report)));
            Err(read)
        }
    }
}

async fn try_replace(
    threads: &ThreadPool,
    loaded: Result<Loaded, SourceDiagnostic>,
) -> miette::Result<(Replaced, Vec<PathBuf>)> {
    let Loaded {
        project,
        options,
        reloadable,
        files,
        certificate_ends,
        ..
    } = loaded?;
    threads.replace(&project).await?;
    let watching = reloadable.start().map_err(ServeError::System)?;
    metrics::certificates(certificate_ends);
    let replaced = Replaced {
        project,
        options,
        watching,
    };
    Ok((replaced, files))
}
