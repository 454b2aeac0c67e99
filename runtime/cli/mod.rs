//! The command line: what is typed, apart from what it does.

mod args;
mod bash;
mod certs;
mod check;
mod completions;
mod init;
mod log_text;
mod logging;
mod man;
mod noted;
mod report;
mod schema;
mod serve;
mod test;
mod types;
mod version;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use miette::Result;

use crate::boundary;
use crate::host::confined;
use crate::isolate::modules::{cache, reading};
use crate::keys::process::holder;
use args::{Args, Command};
pub use version::Commit;

/// Runs the command that was typed, and tells what is wrong with it.
pub fn run(commit: &Commit) -> ExitCode {
    // Before anything is read, or another thread is there.
    if let Some(argument) = std::env::args_os().nth(1) {
        if argument == boundary::ARGUMENT {
            return confined::run();
        }
        if argument == boundary::KEYS_ARGUMENT {
            return holder::run();
        }
        if argument == reading::ARGUMENT {
            if let Some(folder) = cache_folder() {
                cache::enable(folder);
            }
            return reading::run(boundary::sandbox::only_reads_modules);
        }
    }
    if let Some(hash) = commit.hash() {
        crate::metrics::built_of(hash.to_owned());
    }
    let mut program = Args::command().long_version(commit.long());
    let typed = program.get_matches_mut();
    let args = match Args::from_arg_matches(&typed) {
        Ok(args) => args,
        Err(error) => error.format(&mut program).exit(),
    };
    reading::begin();
    logging::start(
        args.log_format,
        matches!(&args.command, Command::Serve(serve) if serve.dev),
    );
    report::start();
    match command(args, program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::report(&error);
            ExitCode::FAILURE
        }
    }
}

fn command(args: Args, program: clap::Command) -> Result<()> {
    if let Some(folder) = cache_folder() {
        cache::enable(folder);
    }
    match args.command {
        Command::Serve(serve) => serve::run(serve),
        Command::Test(test) => test::run(test),
        Command::Init(init) => init::run(&init),
        Command::Types(types) => types::run(types),
        Command::Check(check) => check::run(check),
        Command::Schema => schema::run(),
        Command::Completions(completions) => {
            completions::run(&completions);
            Ok(())
        }
        Command::Man(manual) => man::run(&manual, program),
        Command::Certs(certs) => certs::run(certs),
    }
}

/// `$WORKERD_LITE_CACHE_DIR`, or a folder among the user's caches. An empty name is none.
fn cache_folder() -> Option<PathBuf> {
    match std::env::var_os("WORKERD_LITE_CACHE_DIR") {
        Some(folder) if folder.is_empty() => None,
        Some(folder) => Some(folder.into()),
        None => Some(dirs::cache_dir()?.join("workerd-lite")),
    }
}
