//! `workerd-lite check`.

use std::io::Write as _;

use miette::{Diagnostic, IntoDiagnostic as _, JSONReportHandler, Result};
use serde_json::{Value, json};

use super::args::Check;
use super::logging;
use crate::assembly::load;
use crate::config::Flags;
use crate::diagnostic::SourceDiagnostic;
use crate::host::Instance;
use crate::isolate::init_platform;
use crate::serve::Loaded;

/// Checks configuration, rules, secrets, certificates and scripts, as `serve` does before it listens.
pub(super) fn run(args: Check) -> Result<()> {
    let flags = Flags {
        script: args.script,
        outbound: args.outbound,
        config: args.config,
        looks: true,
        ..Flags::from(args.environment)
    };
    if args.json {
        return print(&flags);
    }
    let loaded = check(&flags)?;
    let unstarted: Vec<&str> = loaded.project.in_processes().collect();
    if !unstarted.is_empty() {
        tracing::warn!(
            "agents in processes are read here and not started: what {} {} at the top level shows when {} served",
            unstarted.join(", "),
            if unstarted.len() == 1 { "does" } else { "do" },
            if unstarted.len() == 1 { "it is" } else { "they are" },
        );
    }
    let mut names: Vec<String> = loaded.project.agent_names().map(ToOwned::to_owned).collect();
    names.extend(loaded.project.found_names());
    let policy = if loaded.project.has_outbound() {
        "with an outbound worker"
    } else {
        "without an outbound worker: every fetch is denied"
    };
    let names = if names.is_empty() {
        "no agent yet".to_owned()
    } else {
        names.join(", ")
    };
    writeln!(std::io::stdout(), "good: {names} {policy}").into_diagnostic()
}

fn check(flags: &Flags) -> Result<Loaded> {
    let mut loaded = load(flags)?;
    let unusable = std::mem::take(&mut loaded.unusable);
    SourceDiagnostic::all("the configuration", unusable)?;
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
    Ok(loaded)
}

/// The same for machines: what would be served, so that a list of what is allowed can be written before it is. Exits with 1 where it
/// would not be.
fn print(flags: &Flags) -> Result<()> {
    logging::warnings();
    let checked = check(flags);
    let mut told = match &checked {
        Ok(loaded) => loaded.project.described(),
        Err(error) => {
            let parts: Vec<Value> = error.related().into_iter().flatten().map(described).collect();
            if parts.is_empty() {
                json!({ "errors": [described(error.as_ref())] })
            } else {
                json!({ "errors": parts })
            }
        }
    };
    told["good"] = checked.is_ok().into();
    told["warnings"] = logging::warnings().into();
    writeln!(std::io::stdout(), "{told:#}").into_diagnostic()?;
    if checked.is_err() {
        std::process::exit(1);
    }
    Ok(())
}

/// An error in miette's form: `message`, `help`, `filename`, `labels`, `causes`.
fn described(error: &dyn Diagnostic) -> Value {
    let mut text = String::new();
    let rendered = JSONReportHandler::new().render_report(&mut text, error);
    let parsed = rendered.ok().and_then(|()| serde_json::from_str(&text).ok());
    parsed.unwrap_or_else(|| json!({ "message": error.to_string() }))
}
