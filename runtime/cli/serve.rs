//! `workerd-lite serve`.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use miette::{Diagnostic as _, IntoDiagnostic as _, Result, WrapErr as _};
use tokio::task::AbortHandle;

use super::args::Serve;
use crate::admin::{self, inspector};
use crate::assembly::load;
use crate::audit::Feed;
use crate::config::Flags;
use crate::egress::listeners as own_listeners;
use crate::isolate::{Inspection, init_platform};
use crate::serve::{Loaded, serve};
use crate::supervisor::{Supervised, supervise};

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
        tracing::error!(
            agent = &*agent.name,
            tenant = agent.tenant.as_deref(),
            "{agent} has ended this server's process too often: it is left alone for {time:.0?}"
        );
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
        let ready = |address, sockets: &[BorrowedFd<'_>]| {
            let replace_us = supervised.ready(sockets);
            tracing::info!("listening on http://{address}");
            move || {
                // The next process listens there.
                debugging.iter().for_each(AbortHandle::abort);
                replace_us();
            }
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
                loaded.options.admin.get_or_insert(admin::PAGE);
            }
            if inspection.is_some() {
                loaded.options.threads = 1;
                for worker in loaded.project.workers_mut() {
                    worker.inspection.clone_from(&inspection);
                }
            }
            loaded
        };
        serve(inspected(loaded), sockets, ready, || load(&flags).map(inspected))
            .await
            .map_err(miette::Report::new)
    })?;
    // Isolates that a second signal cut short are not worth waiting for.
    std::process::exit(0)
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
