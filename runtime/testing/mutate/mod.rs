//! `workerd-lite test --mutate`: the policy is changed, one operator at a time, and the project's tests and the attacks run against
//! each of the changed ones. What nobody notices shows what nobody tests. No file is written.

mod ignored;
mod mutant;
mod operators;
mod report;
mod swaps;

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tracing::subscriber::{NoSubscriber, with_default};

use super::attack::first_finding;
use super::outcome::State;
use super::source::{comments, own_scripts, parse};
use super::watchdog::Watchdog;
use super::{Ended, Options, discover, file};
use crate::assembly::load;
use crate::config::Flags;
use crate::diagnostic::{SourceDiagnostic, position};
use crate::isolate::modules::{Overlay, on_deep_stack};
use mutant::{Judged, Mutant, Status};

/// How survivors are told.
#[derive(Debug, Clone, Copy)]
pub struct MutateOptions {
    /// The score in percent below which the run fails.
    pub min: Option<f64>,
    /// Whether all of it is told as JSON.
    pub json: bool,
    /// Whether killed ones are told too.
    pub verbose: bool,
}

/// One file of the policy.
struct Source {
    name: String,
    path: PathBuf,
    text: String,
    /// The same, with nothing but its comments.
    comments: String,
}

/// What ran, and how it ended.
struct Mutated {
    sources: Vec<Source>,
    judged: Vec<Judged>,
    tests: usize,
    took: Duration,
}

impl Mutated {
    fn count(&self, status: Status) -> usize {
        self.judged.iter().filter(|judged| judged.status == status).count()
    }

    /// Killed ones in percent of those that count. Nothing where there is none.
    fn score(&self) -> Option<f64> {
        let killed = self.count(Status::Killed) + self.count(Status::Timeout);
        let counted = killed + self.count(Status::Survived);
        #[expect(clippy::cast_precision_loss, reason = "there are few")]
        let score = (counted > 0).then(|| 100.0 * killed as f64 / counted as f64);
        score
    }
}

/// Changes the policy and says what nobody noticed.
pub fn run(options: &Options, wanted: MutateOptions, out: &mut dyn Write) -> Result<Ended, SourceDiagnostic> {
    let began = Instant::now();
    let files = discover::files(options)?;
    let loaded = load(&options.flags)?;
    let Some(graph) = loaded.project.policy_graph() else {
        return Err(SourceDiagnostic::new("there is no outbound worker to change")
            .with_help("Name one under [outbound] in workerd-lite.toml"));
    };
    let mut sources = Vec::new();
    let mut mutants = Vec::new();
    for module in own_scripts(graph) {
        let number = sources.len();
        let found = on_deep_stack(|| {
            let mut found = Vec::new();
            parse(module, |program| {
                found = operators::mutants(number, module.text(), program);
            });
            found
        });
        mutants.extend(found.map_err(|error| SourceDiagnostic::new(error.to_string()))?);
        let comments = on_deep_stack(|| comments(module));
        sources.push(Source {
            comments: comments.map_err(|error| SourceDiagnostic::new(error.to_string()))?,
            name: module.name.clone(),
            path: module.path.clone(),
            text: module.text().to_owned(),
        });
    }
    let tests = unchanged(options, &files)?;
    drop(loaded);
    let mut run = Mutated {
        sources,
        judged: Vec::new(),
        tests,
        took: Duration::ZERO,
    };
    run.judged = judge_all(options, &files, &run.sources, mutants)?;
    run.took = began.elapsed();
    let told = if wanted.json {
        report::json(&run, out)
    } else {
        report::pretty(&run, wanted.verbose, out)
    };
    told.map_err(|error| SourceDiagnostic::new(format!("the report can not be written: {error}")))?;
    if run.tests == 0 {
        tracing::warn!("there are no tests: what is told was noticed by attacks alone");
    }
    Ok(match (wanted.min, run.score()) {
        (Some(min), Some(score)) if score < min => {
            tracing::error!("the mutation score is {score:.1} %: --mutate-min asks for {min} %");
            Ended::Failed
        }
        (Some(min), None) => {
            tracing::error!(
                "there is nothing to change in the policy that counts: --mutate-min asks for {min} % of it"
            );
            Ended::Failed
        }
        _ => Ended::Passed,
    })
}

/// Runs all without a change, which must pass. Gives how many tests there are.
fn unchanged(options: &Options, files: &[PathBuf]) -> Result<usize, SourceDiagnostic> {
    let mut tests = 0;
    let watchdog = Watchdog::default();
    for path in files {
        let outcome = file::run(path, options, &options.flags, &watchdog, None);
        if outcome.failed() {
            let failed = outcome.tests.iter().find(|test| matches!(test.state, State::Failed(_)));
            let what = failed.map_or("it", |test| &test.name);
            return Err(
                SourceDiagnostic::new(format!("{}: {what} fails before anything is changed", outcome.file))
                    .with_help("See `workerd-lite test`: a failing test tells nothing of a change"),
            );
        }
        tests += outcome.tests.len();
    }
    match first_finding(&load(&options.flags)?)? {
        None => Ok(tests),
        Some(finding) => Err(SourceDiagnostic::new(format!(
            "an attack gets through before anything is changed: {finding}"
        ))
        .with_help("See `workerd-lite test --attack`")),
    }
}

fn judge_all(
    options: &Options,
    files: &[PathBuf],
    sources: &[Source],
    mutants: Vec<Mutant>,
) -> Result<Vec<Judged>, SourceDiagnostic> {
    let next = AtomicUsize::new(0);
    let watchdog = Arc::new(Watchdog::default());
    let (sender, results) = mpsc::channel();
    let total = mutants.len();
    std::thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, total.max(1)) {
            let (sender, next, mutants, watchdog) = (sender.clone(), &next, &mutants, Arc::clone(&watchdog));
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let Some(mutant) = mutants.get(index) else { break };
                    let judge = || judge(options, files, sources, mutant, &watchdog);
                    // What is logged of a changed policy tells nobody anything.
                    let (status, by) = with_default(NoSubscriber::default(), judge);
                    let judged = Judged {
                        mutant: mutant.clone(),
                        status,
                        by,
                    };
                    if sender.send((index, judged)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut judged: Vec<(usize, Judged)> = results.iter().collect();
        judged.sort_by_key(|(index, _)| *index);
        if judged.len() < total {
            return Err(SourceDiagnostic::new("a thread of the mutants ended in a panic"));
        }
        Ok(judged.into_iter().map(|(_, judged)| judged).collect())
    })
}

/// Runs tests, then attacks, until one tells the changed policy from the unchanged one.
fn judge(
    options: &Options,
    files: &[PathBuf],
    sources: &[Source],
    mutant: &Mutant,
    watchdog: &Watchdog,
) -> (Status, String) {
    let source = &sources[mutant.file];
    let (line, _) = position(&source.text, mutant.span.start);
    if let Some(reason) = ignored::reason(&source.text, &source.comments, line) {
        return (Status::Ignored, reason);
    }
    let flags = Flags {
        overlay: Some(Arc::new(Overlay {
            path: source.path.clone(),
            text: mutant.apply(&source.text),
        })),
        ..options.flags.clone()
    };
    let loaded = match load(&flags) {
        Ok(loaded) => loaded,
        Err(error) => return (Status::Invalid, error.to_string()),
    };
    let options = Options {
        bail: true,
        flags: flags.clone(),
        coverage: None,
        ..options.clone()
    };
    for path in files {
        let outcome = file::run(path, &options, &flags, watchdog, None);
        if let Some(test) = outcome.tests.iter().find(|test| matches!(test.state, State::Failed(_))) {
            let late =
                matches!(&test.state, State::Failed(why) if why.iter().any(|why| why.contains("did not end within")));
            let status = if late { Status::Timeout } else { Status::Killed };
            return (status, format!("{} > {}", outcome.file, test.name));
        }
        if let Some(error) = outcome.error {
            let first = error.lines().next().unwrap_or_default();
            return (Status::Killed, format!("{}: {first}", outcome.file));
        }
    }
    match first_finding(&loaded) {
        Ok(None) => (Status::Survived, String::new()),
        Ok(Some(finding)) => (Status::Killed, format!("attack: {finding}")),
        Err(error) => (Status::Timeout, format!("attack: {error}")),
    }
}
