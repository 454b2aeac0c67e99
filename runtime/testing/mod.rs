//! `workerd-lite test`: an owner's tests of agents and policy, in one process, with a pretended internet.

pub mod attack;
mod coverage;
mod discover;
mod failure;
mod file;
mod gate;
mod mock_network;
pub mod mutate;
mod outcome;
mod own_worker;
mod report;
mod session;
mod snapshots;
mod source;
mod told;
mod watchdog;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use regex::Regex;

use crate::assembly::load;
use crate::config::{Flags, has_configuration, parent};
use crate::diagnostic::SourceDiagnostic;
use coverage::Coverage;
pub use coverage::CoverageOptions;
pub use outcome::{FileOutcome, Outcome, State, Totals};
pub use report::{Json, Junit, Palette, Pretty, Reporter, Tap};
use watchdog::Watchdog;

/// What is run, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Files, folders or glob patterns; without any, all test files below the configuration.
    pub files: Vec<String>,
    /// Which tests of them, by name.
    pub name: Option<Regex>,
    /// Where the project is configured, and what the command line says of it.
    pub flags: Flags,
    /// Whether the first failure ends the run.
    pub bail: bool,
    /// How many files run at once, at least one.
    pub threads: usize,
    /// How long a test may take.
    pub timeout: Duration,
    /// Whether an egress that no test answers goes to the network.
    pub live: bool,
    /// Whether snapshots are written rather than compared.
    pub update_snapshots: bool,
    /// Whether what has run of agents and policy is told.
    pub coverage: Option<CoverageOptions>,
}

impl Options {
    /// Where the project is.
    pub(crate) fn folder(&self) -> PathBuf {
        self.flags.config.as_deref().map_or_else(|| ".".into(), parent)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every test passed.
    Passed,
    /// At least one failed.
    Failed,
    /// There was no test.
    Nothing,
}

/// A project that cannot be loaded fails a run that was told which, or that counts what runs of it. Else it is told: tests that ask for no agent need none.
fn loads(options: &Options) -> Result<(), SourceDiagnostic> {
    let Err(error) = load(&options.flags) else {
        return Ok(());
    };
    let is_there = has_configuration(&options.folder());
    if options.flags.config.is_some() || (options.coverage.is_some() && is_there) {
        return Err(error);
    }
    if is_there {
        tracing::warn!(
            "the project can not be loaded, and tests that ask for an agent fail: {}",
            error.sentence()
        );
    }
    Ok(())
}

/// Runs tests, files in parallel, and tells the reporter of each file in the files' order.
pub fn run(options: &Options, reporter: &mut dyn Reporter) -> Result<Ended, SourceDiagnostic> {
    if let Some(config) = options.flags.config.as_deref().filter(|config| !config.is_file()) {
        return Err(
            SourceDiagnostic::new(format!("{}: there is no such file", config.display()))
                .with_help("Name the project's configuration: --config workerd-lite.toml"),
        );
    }
    let files = discover::files(options)?;
    if let Some(overlooked) = discover::overlooked(options, &files) {
        tracing::warn!("{overlooked}");
    }
    if files.is_empty() {
        return Ok(Ended::Nothing);
    }
    loads(options)?;
    let (next, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (sender, outcomes) = mpsc::channel();
    let files = Arc::new(files);
    let watchdog = Arc::new(Watchdog::default());
    let coverage = options.coverage.as_ref().map(|_| Arc::new(Coverage::default()));
    let mut threads = Vec::new();
    for _ in 0..options.threads.clamp(1, files.len()) {
        let (files, next, stop, sender) = (Arc::clone(&files), Arc::clone(&next), Arc::clone(&stop), sender.clone());
        let (options, watchdog) = (options.clone(), Arc::clone(&watchdog));
        let coverage = coverage.clone();
        threads.push(std::thread::spawn(move || {
            loop {
                let index = next.fetch_add(1, Ordering::SeqCst);
                let Some(file) = files.get(index) else { break };
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let mut outcome = file::run(file, &options, &options.flags, &watchdog, coverage.as_ref());
                // Real secrets are nobody's to read, whoever prints.
                outcome.change_texts(&|text| options.flags.secrets.masked(text));
                if options.bail && outcome.failed() {
                    stop.store(true, Ordering::SeqCst);
                }
                if sender.send((index, outcome)).is_err() {
                    break;
                }
            }
        }));
    }
    drop(sender);
    let totals = report::in_order(&outcomes, reporter, &watchdog).map_err(|name| {
        SourceDiagnostic::new(format!("{name} never gave its thread back, and the run was ended"))
            .with_help("Look for a loop without an end in the test, the agent or the policy; see --timeout")
    })?;
    for thread in threads {
        if thread.join().is_err() {
            return Err(SourceDiagnostic::new("a thread of the tests ended in a panic"));
        }
    }
    let mut enough = true;
    if let (Some(coverage), Some(wanted)) = (&coverage, &options.coverage) {
        let told = coverage.report(wanted)?;
        reporter.coverage(&told.table);
        enough = told.missed.is_empty();
        for missed in told.missed {
            tracing::error!("{missed}");
        }
    }
    reporter.end(&totals);
    Ok(match totals {
        _ if !enough => Ended::Failed,
        Totals { failed: 1.., .. } => Ended::Failed,
        Totals {
            passed: 0,
            skipped: 0,
            todo: 0,
            ..
        } => Ended::Nothing,
        _ => Ended::Passed,
    })
}
