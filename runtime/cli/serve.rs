//! `workerd-lite serve`.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use miette::{Diagnostic as _, IntoDiagnostic as _, Report, Result, WrapErr as _};
use tokio::task::AbortHandle;

use super::args::Serve;
use super::report;
use crate::admin::{self, inspector};
use crate::assembly::{load, options_of_broken};
use crate::audit::Feed;
use crate::config::Flags;
use crate::diagnostic::SourceDiagnostic;
use crate::egress::listeners as own_listeners;
use crate::files_read;
use crate::host::Project;
use crate::isolate::modules::reading;
use crate::isolate::{Inspection, init_platform};
use crate::limits::{free_memory, refuse_huge_pages};
use crate::listen::{ListenAddress, Role, Socket};
use crate::serve::{Listeners, Listening, Loaded, Mending, Options, Parent, ServeError, Waited, serve, wait};
use crate::supervisor::{self, Past, Supervised, supervise};

/// How many agents are named where all are meant.
const NAMED: usize = 20;

pub(super) fn run(args: Serve) -> Result<()> {
    if !args.supervised {
        let code = supervise()?;
        std::process::exit(code.into());
    }
    let mut supervised = Supervised::begin()?;
    let flags = Flags {
        script: args.script,
        outbound: args.outbound,
        config: args.config,
        listen: args.listen,
        port: args.port,
        threads: args.threads,
        dev: args.dev,
        watch: args.watch || args.dev,
        // What changes is noticed of what was read.
        lazy: !args.watch && !args.dev,
        ..Flags::from(args.environment)
    };
    let past = supervised.past();
    refuse_huge_pages();
    free_memory::start();
    init_platform();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .into_diagnostic()?;
    let sockets = supervised.sockets();
    let debuggers = args.inspect.or(args.inspect_brk);
    runtime.block_on(async {
        let (inspection, debugging) = match debuggers {
            Some(listen) => Some(inspect(listen, args.inspect_brk.is_some()).await?),
            None => None,
        }
        .unzip();
        let mut parent = Watched {
            state: State::Starts(supervised),
            debugging,
            shown: Vec::new(),
        };
        let feed = args.dev.then(|| {
            let secrets = flags.secrets.clone();
            Arc::new(Feed::new(move |text| secrets.masked(text)))
        });
        let inspected = |mut loaded: Loaded| {
            let mut told = HashSet::new();
            for unusable in loaded.unusable.drain(..) {
                // Several bindings may have one certificate.
                if told.insert(unusable.to_string()) {
                    let help = unusable.help().map_or_else(String::new, |help| format!(". {help}"));
                    tracing::error!("{unusable}{help}");
                }
            }
            if let Some(feed) = &feed {
                loaded.project.shown(feed);
                loaded.options.feed = Some(Arc::clone(feed));
                show_page(&mut loaded.options);
            }
            if inspection.is_some() {
                loaded.options.threads = 1;
                for worker in loaded.project.workers_mut() {
                    worker.inspection.clone_from(&inspection);
                }
            }
            loaded
        };
        let load = |flags: &Flags| load(flags).and_then(|loaded| grouped(debugged(loaded, debuggers.is_some())?));
        let mut places = Places::new(sockets);
        let first = Flags {
            spares: past.has_served && !args.dev,
            ..flags.clone()
        };
        loop {
            // One process that serves may fail where its project is broken; the next must not, nor the third.
            let waits = args.dev || past.has_served;
            let mending = waits.then(|| {
                let folder = options_of_broken(&flags).watch.unwrap_or_default();
                Mending::new(&folder, places.writes.clone())
            });
            let (loaded, read) = files_read::recorded(|| load(&first));
            let (report, mut options) = match loaded {
                Ok(mut loaded) => {
                    loaded.files.extend(read.clone());
                    begin(&loaded, &past);
                    // Little is read while others are served.
                    reading::rest();
                    let loaded = inspected(loaded);
                    let options = loaded.options.clone();
                    let listeners = places.listen(&options, waits)?;
                    match serve(loaded, listeners, &mut parent, || load(&flags).map(inspected)).await {
                        Ok(()) => return Ok(()),
                        Err(error @ ServeError::Startup(_)) if waits => (Report::new(error), options),
                        Err(error) => return Err(Report::new(error)),
                    }
                }
                Err(error) if waits => (Report::new(error), options_of_broken(&flags)),
                Err(error) => return Err(error.into()),
            };
            report::report(&report);
            if args.dev {
                tracing::info!("waiting until it is mended: clients read this with 503");
                show_page(&mut options);
            } else {
                tracing::error!("waiting until it is mended: everything is answered with 503");
            }
            let listeners = places.listen(&options, waits)?;
            let Some(mending) = mending else { return Err(report) };
            // Clients of a server learn nothing of its insides.
            let shown = args.dev.then(|| format!("{report:?}"));
            if wait(listeners, shown, mending.also(read), &mut parent).await? == Waited::Stopped {
                return Ok(());
            }
        }
    })?;
    // Isolates that a second signal cut short are not worth waiting for.
    std::process::exit(0)
}

/// A project that debuggers may find all of.
fn debugged(loaded: Loaded, wanted: bool) -> std::result::Result<Loaded, SourceDiagnostic> {
    if wanted && loaded.project.has_policy_processes() {
        let message = "--inspect does not reach a policy that is in a process: see [isolation] outbound";
        let help = "Serve with `outbound = \"isolate\"` while you debug";
        return Err(SourceDiagnostic::new(message).with_help(help));
    }
    if !wanted || !loaded.project.has_processes() {
        return Ok(loaded);
    }
    let message = "--inspect does not reach agents that are in processes: see [isolation] agents";
    let help =
        "Serve with `agents = \"isolate\"` while you debug, and without `isolation = \"process\"` under [[agents]]";
    Err(SourceDiagnostic::new(message).with_help(help))
}

/// A project whose processes have control groups, where that is wanted and can be.
fn grouped(loaded: Loaded) -> std::result::Result<Loaded, SourceDiagnostic> {
    loaded.project.group_processes().map_err(|why| {
        let help = "Have it delegated (`Delegate=memory cpu pids` and `ProtectControlGroups=no` of systemd's unit), or set `cgroup = \"auto\"`";
        SourceDiagnostic::new(format!("[isolation] cgroup = \"require\": {why}")).with_help(help)
    })?;
    Ok(loaded)
}

/// An author has the owner's listener, wherever that is.
fn show_page(options: &mut Options) {
    if options.admin.is_empty() {
        options.admin.push(admin::page());
    }
}

/// Tells what there is to tell of a project before it is served.
fn begin(loaded: &Loaded, past: &Past) {
    if !loaded.project.has_outbound() {
        tracing::warn!(
            "no outbound worker is configured: every fetch of {} is denied",
            named(&loaded.project)
        );
    }
    for agent in &past.suspects {
        loaded.project.quarantine(agent, None);
    }
    for (agent, time) in &past.ejected {
        tracing::error!(
            agent = &*agent.name,
            tenant = agent.tenant.as_deref(),
            "{agent} has ended this server's process too often: it is left alone for {time:.0?}"
        );
        loaded.project.quarantine(agent, Some(*time));
    }
}

/// Some of the agents, by their names.
fn named(project: &Project) -> String {
    let mut names: Vec<&str> = project.agent_names().take(NAMED + 1).collect();
    let more = names.len() > NAMED || names.is_empty();
    names.truncate(NAMED);
    names.extend(more.then_some("others"));
    names.join(", ")
}

/// Where is listened, through all attempts to serve.
struct Places {
    sockets: Vec<Socket>,
    /// What they were bound for, where this process did.
    bound: Option<[Vec<ListenAddress>; 2]>,
    /// What the server writes, as far as that is known.
    writes: Vec<PathBuf>,
}

impl Places {
    fn new(sockets: Vec<Socket>) -> Self {
        Self {
            sockets,
            bound: None,
            writes: Vec::new(),
        }
    }

    /// Listens there; where `keep` says that there may be another attempt, on the same sockets then.
    fn listen(&mut self, options: &Options, keep: bool) -> Result<Listeners> {
        let wanted = [options.listen.clone(), options.admin.clone()];
        self.writes.clone_from(&options.writes);
        let mut sockets = std::mem::take(&mut self.sockets);
        if let Some([clients, owner]) = &self.bound {
            let stays = |socket: &Socket| match socket.role {
                Role::Clients | Role::Plain => socket.given || *clients == wanted[0],
                Role::Owner => socket.given || *owner == wanted[1],
            };
            let staying = sockets.iter().filter(|socket| stays(socket)).map(Socket::try_clone);
            match Listeners::bind(options, staying.collect::<Result<_, _>>().into_diagnostic()?) {
                Ok(mut listeners) => sockets = listeners.listening().into_diagnostic()?.sockets,
                // One of them may be what is listened on already.
                Err(error) => tracing::error!("{error}: another place to listen needs a restart"),
            }
        }
        let mut listeners = Listeners::bind(options, sockets)?;
        if keep {
            self.sockets = listeners.listening().into_diagnostic()?.sockets;
            self.bound = Some(wanted);
        }
        Ok(listeners)
    }
}

/// The supervisor, as the server knows it.
struct Watched {
    state: State,
    /// Ends with the server's turn.
    debugging: Option<AbortHandle>,
    /// Where it was said to listen.
    shown: Vec<String>,
}

enum State {
    Starts(Supervised),
    Serves(supervisor::Parent),
    /// Between the two.
    Turns,
}

impl Watched {
    fn parent(&self) -> Option<&supervisor::Parent> {
        match &self.state {
            State::Serves(parent) => Some(parent),
            State::Starts(_) | State::Turns => None,
        }
    }
}

fn count(agents: usize) -> u32 {
    u32::try_from(agents).unwrap_or(u32::MAX)
}

impl Parent for Watched {
    fn ready(&mut self, listening: Listening, agents: usize) {
        self.state = match std::mem::replace(&mut self.state, State::Turns) {
            State::Starts(supervised) => State::Serves(supervised.ready(listening.sockets, count(agents))),
            State::Serves(parent) => {
                parent.ready(listening.sockets, count(agents));
                State::Serves(parent)
            }
            State::Turns => State::Turns,
        };
        if self.shown != listening.shown {
            self.shown = listening.shown;
            for shown in &self.shown {
                tracing::info!("listening on {shown}");
            }
        }
    }

    fn replace_us(&self) {
        // The next process listens there.
        self.debugging.iter().for_each(AbortHandle::abort);
        self.parent().into_iter().for_each(supervisor::Parent::replace_us);
    }

    fn reloaded(&self, agents: usize) {
        self.parent()
            .into_iter()
            .for_each(|parent| parent.reloaded(count(agents)));
    }

    fn alive_every(&self) -> Option<Duration> {
        self.parent()?.alive_every()
    }

    fn alive(&self) {
        self.parent().into_iter().for_each(supervisor::Parent::alive);
    }
}

/// Serves debuggers from now on.
async fn inspect(listen: SocketAddr, breaks: bool) -> Result<(Arc<Inspection>, AbortHandle)> {
    let (listener, address) = inspector::bind(listen)
        .await
        .into_diagnostic()
        .wrap_err_with(|| format!("debuggers can not be listened for on {listen}"))?;
    own_listeners::add(address);
    let inspection = Arc::new(Inspection::new(breaks, move |target| {
        tracing::info!(
            "{}: debuggers attach at {}",
            target.title,
            inspector::socket_url(target, address)
        );
    }));
    tracing::info!("debuggers find agents and policy on http://{address}/json, and in Chrome at chrome://inspect");
    let serving = inspector::start(listener, address, Arc::clone(&inspection));
    Ok((inspection, serving))
}
