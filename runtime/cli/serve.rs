//! `workerd-lite serve`.

use miette::{IntoDiagnostic as _, Result};

use super::args::Serve;
use crate::config::{Flags, load};
use crate::isolate::init_platform;
use crate::serve::serve;

pub(super) fn run(args: Serve) -> Result<()> {
    let flags = Flags {
        script: args.script,
        outbound: args.outbound,
        config: args.config,
        listen: args.listen,
        threads: args.threads,
        dev: args.dev,
        watch: args.watch || args.dev,
        testing: false,
    };
    let loaded = load(&flags)?;
    if !loaded.project.has_outbound() {
        tracing::warn!(
            "no outbound worker is configured: every fetch of {} is denied",
            loaded.project.agent_names().collect::<Vec<_>>().join(", ")
        );
    }
    init_platform();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .into_diagnostic()?;
    let ready = |address| tracing::info!("listening on http://{address}");
    runtime.block_on(serve(loaded, ready, || load(&flags)))?;
    // Isolates that a second signal cut short are not worth waiting for.
    std::process::exit(0)
}
