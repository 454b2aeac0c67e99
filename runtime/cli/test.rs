//! `workerd-lite test`.

use std::io::stdout;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use miette::Result;

use super::args::{Format, Test};
use super::noted::Noted;
use super::report::report;
use crate::config::{Flags, parent};
use crate::diagnostic::SourceDiagnostic;
use crate::isolate::init_platform;
use crate::testing::attack::{Form, Options as AttackOptions, run as run_attack};
use crate::testing::mutate::{MutateOptions, run as run_mutants};
use crate::testing::{CoverageOptions, Ended, Options, Reporter, run as run_tests};
use crate::testing::{Json, Junit, Palette, Pretty, Tap};
use crate::watch::Watch;

/// Exits with 0 where every test passed, 1 where one failed, 2 where there was none or the command is wrong.
pub(super) fn run(args: Test) -> Result<()> {
    if args.watch {
        let folder = args.config.as_deref().map_or_else(|| ".".into(), parent);
        init_platform();
        loop {
            let run = if args.attack { attack } else { tests };
            // What the run writes itself is no change.
            let mut watched = Watch::below(&folder, args.coverage_lcov.iter().cloned().collect(), Vec::new());
            match run(args.clone()) {
                Ok(Ended::Nothing) => report(&nothing(&args)),
                Ok(_) => {}
                Err(error) => report(&miette::Report::new(error)),
            }
            while !watched.changed() {
                std::thread::sleep(Duration::from_millis(150));
            }
        }
    }
    init_platform();
    let ended = if args.attack {
        attack(args.clone())
    } else if args.mutate || args.mutate_min.is_some() {
        mutate(args.clone())
    } else {
        tests(args.clone())
    };
    match ended {
        Ok(Ended::Passed) => Ok(()),
        Ok(Ended::Failed) => std::process::exit(1),
        Ok(Ended::Nothing) => {
            report(&nothing(&args));
            std::process::exit(2)
        }
        Err(error) => {
            report(&miette::Report::new(error));
            std::process::exit(2)
        }
    }
}

/// Why nothing was tested.
fn nothing(args: &Test) -> miette::Report {
    match &args.name {
        Some(name) => miette::miette!(
            help = "-t is a regular expression that is looked for in 'suite > test'",
            "no test has a name that matches {name:?}, or no tests were found"
        ),
        None => miette::miette!(
            help = "test files are called *.test.js, *.test.mjs or *-test.js, and call test() or export objects with a test()",
            "no tests were found"
        ),
    }
}

fn attack(args: Test) -> Result<Ended, SourceDiagnostic> {
    let options = AttackOptions {
        name: filter(args.name.as_deref())?,
        form: match args.reporter {
            Format::Pretty => Form::Pretty { verbose: args.verbose },
            Format::Tap => Form::Tap,
            Format::Junit => Form::Junit,
            Format::Json => Form::Json,
            Format::Sarif => Form::Sarif,
        },
        flags: Flags {
            config: args.config,
            testing: true,
            looks: true,
            ..Flags::from(args.environment)
        },
    };
    run_attack(&options, &mut stdout())
}

fn filter(name: Option<&str>) -> Result<Option<regex::Regex>, SourceDiagnostic> {
    let parse =
        |name: &str| regex::Regex::new(name).map_err(|error| SourceDiagnostic::new(format!("-t {name}: {error}")));
    name.map(parse).transpose()
}

fn mutate(args: Test) -> Result<Ended, SourceDiagnostic> {
    let wanted = MutateOptions {
        min: args.mutate_min,
        json: match args.reporter {
            Format::Pretty => false,
            Format::Json => true,
            Format::Tap | Format::Junit | Format::Sarif => {
                return Err(
                    SourceDiagnostic::new("changes of the policy are told for people, or as JSON")
                        .with_help("Leave --reporter out, or say --reporter json"),
                );
            }
        },
        verbose: args.verbose,
    };
    run_mutants(&options(args)?, wanted, &mut stdout())
}

fn tests(args: Test) -> Result<Ended, SourceDiagnostic> {
    let format = args.reporter;
    let options = options(args)?;
    let coloured = AutoStream::choice(&stdout()) != ColorChoice::Never;
    let (out, written) = Noted::new(stdout());
    let mut reporter: Box<dyn Reporter> = match format {
        Format::Pretty => Box::new(Pretty::new(out, Palette::of(coloured))),
        Format::Tap => Box::new(Tap::new(out)),
        Format::Junit => Box::new(Junit::new(out)),
        Format::Json => Box::new(Json::new(out)),
        Format::Sarif => {
            return Err(
                SourceDiagnostic::new("tests are not written as SARIF").with_help("It is a reporter of --attack")
            );
        }
    };
    let ended = run_tests(&options, &mut *reporter)?;
    drop(reporter);
    match written.failure() {
        Some(error) => Err(SourceDiagnostic::new(format!("the report can not be written: {error}"))),
        None => Ok(ended),
    }
}

fn options(args: Test) -> Result<Options, SourceDiagnostic> {
    let name = filter(args.name.as_deref())?;
    let coverage = args.coverage_wanted().then_some(CoverageOptions {
        lcov: args.coverage_lcov,
        min_lines: args.coverage_min,
        min_branches: args.coverage_min_branches,
        min_functions: args.coverage_min_functions,
    });
    Ok(Options {
        coverage,
        files: args.files,
        name,
        flags: Flags {
            config: args.config,
            testing: true,
            looks: true,
            live: args.live,
            ..Flags::from(args.environment)
        },
        bail: args.bail,
        threads: args
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        timeout: args.timeout.into(),
        live: args.live,
        update_snapshots: args.update_snapshots,
    })
}
