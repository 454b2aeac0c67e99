//! `workerd-lite check`.

use std::io::Write as _;

use miette::{IntoDiagnostic as _, Result};

use super::args::Check;
use crate::assembly::load;
use crate::config::Flags;
use crate::host::Instance;
use crate::isolate::init_platform;

/// Checks configuration, rules, secrets, certificates and scripts, as `serve` does before it listens.
pub(super) fn run(args: Check) -> Result<()> {
    let flags = Flags {
        script: args.script,
        outbound: args.outbound,
        config: args.config,
        ..Flags::from(args.environment)
    };
    let mut loaded = load(&flags)?;
    if !loaded.unusable.is_empty() {
        return Err(loaded.unusable.swap_remove(0).into());
    }
    init_platform();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .into_diagnostic()?;
    runtime.block_on(async {
        let instance = Instance::start(&loaded.project).await?;
        instance.drained().await;
        Ok::<_, crate::isolate::StartupError>(())
    })?;
    let names: Vec<&str> = loaded.project.agent_names().collect();
    let policy = if loaded.project.has_outbound() {
        "with an outbound worker"
    } else {
        "without an outbound worker: every fetch is denied"
    };
    writeln!(std::io::stdout(), "good: {} {policy}", names.join(", ")).into_diagnostic()
}
