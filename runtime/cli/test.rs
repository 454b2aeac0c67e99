//! `workerd-lite test`.

use std::io::stdout;
use std::time::Duration;

use miette::Result;

use super::args::{Format, Test};
use super::report::report;
use crate::config::{Flags, parent};
use crate::diagnostic::SourceDiagnostic;
use crate::isolate::init_platform;
use crate::testing::attack::run as run_attack;
use crate::testing::{CoverageOptions, Ended, Options, Reporter, run as run_tests};
use crate::testing::{Json, Junit, Pretty, Tap};
use crate::watch::Watch;

/// Exits with 0 where every test passed, 1 where one failed, 2 where there was none or the command is wrong.
pub(super) fn run(args: Test) -> Result<()> {
    if args.watch {
        let folder = args.config.as_deref().map_or_else(|| ".".into(), parent);
        init_platform();
        loop {
            // What the run writes itself is no change.
            let mut watched = Watch::below(&folder, args.coverage_lcov.iter().cloned().collect(), Vec::new());
            if let Err(error) = tests(args.clone()) {
                report(&miette::Report::new(error));
            }
            while !watched.changed() {
                std::thread::sleep(Duration::from_millis(150));
            }
        }
    }
    init_platform();
    let ended = if args.attack {
        let flags = Flags {
            config: args.config,
            testing: true,
            ..Flags::from(args.environment)
        };
        run_attack(&flags, &mut stdout())
    } else {
        tests(args)
    };
    match ended {
        Ok(Ended::Passed) => Ok(()),
        Ok(Ended::Failed) => std::process::exit(1),
        Ok(Ended::Nothing) => {
            let files = "test files are called *.test.js, *.test.mjs or *-test.js";
            report(&miette::miette!(help = files, "no tests were found"));
            std::process::exit(2)
        }
        Err(error) => {
            report(&miette::Report::new(error));
            std::process::exit(2)
        }
    }
}

fn tests(args: Test) -> Result<Ended, SourceDiagnostic> {
    let name = args
        .name
        .map(|name| regex::Regex::new(&name).map_err(|error| SourceDiagnostic::new(format!("-t {name}: {error}"))))
        .transpose()?;
    let coverage =
        (args.coverage || args.coverage_min.is_some() || args.coverage_lcov.is_some()).then_some(CoverageOptions {
            lcov: args.coverage_lcov,
            min: args.coverage_min,
        });
    let options = Options {
        coverage,
        files: args.files,
        name,
        flags: Flags {
            config: args.config,
            testing: true,
            live: args.live,
            ..Flags::from(args.environment)
        },
        bail: args.bail,
        threads: args
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        timeout: args.timeout.into(),
        live: args.live,
    };
    let out = stdout();
    let mut reporter: Box<dyn Reporter> = match args.reporter {
        Format::Pretty => Box::new(Pretty::new(out)),
        Format::Tap => Box::new(Tap::new(out)),
        Format::Junit => Box::new(Junit::new(out)),
        Format::Json => Box::new(Json::new(out)),
    };
    run_tests(&options, &mut *reporter)
}
