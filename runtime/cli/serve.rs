//! `workerd-lite serve`.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use miette::{Diagnostic as _, IntoDiagnostic as _, Result, WrapErr as _};
use tokio::task::AbortHandle;

use super::args::Serve;
use crate::admin::{self, inspector};
use crate::assembly::load;
use crate::audit::Feed;
use crate::config::Flags;
use crate::egress::listeners as own_listeners;
use crate::isolate::{Inspection, init_platform};
use crate::serve::{Listeners, Listening, Loaded, Parent, serve};
use crate::supervisor::{self, Supervised, supervise};

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
        ..Flags::from(args.environment)
    };
    let loaded = load(&flags)?;
    if !loaded.project.has_outbound() {
        tracing::warn!(
            "no outbound worker is configured: every fetch of {} is denied",
            loaded.project.agent_names().collect::<Vec<_>>().join(", ")
        );
    }
    let past = supervised.past();
    for agent in &past.suspects {
        loaded.project.quarantine(agent, None);
    }
    for (agent, time) in &past.ejected {
        tracing::error!("{agent} has ended this server's process too often: it is left alone for {time:.0?}");
        loaded.project.quarantine(agent, Some(*time));
    }
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
        };
        let feed = args.dev.then(|| Arc::new(Feed::default()));
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
                if loaded.options.admin.is_empty() {
                    loaded.options.admin.push(admin::page());
                }
            }
            if inspection.is_some() {
                loaded.options.threads = 1;
                for worker in loaded.project.workers_mut() {
                    worker.inspection.clone_from(&inspection);
                }
            }
            loaded
        };
        let loaded = inspected(loaded);
        let listeners = Listeners::bind(&loaded.options, sockets)?;
        serve(loaded, listeners, &mut parent, || load(&flags).map(inspected))
            .await
            .map_err(miette::Report::new)
    })?;
    // Isolates that a second signal cut short are not worth waiting for.
    std::process::exit(0)
}

/// The supervisor, as the server knows it.
struct Watched {
    state: State,
    /// Ends with the server's turn.
    debugging: Option<AbortHandle>,
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
            state => state,
        };
        for shown in listening.shown {
            tracing::info!("listening on {shown}");
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
