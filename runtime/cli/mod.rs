//! The command line: what is typed, apart from what it does.

mod args;
mod certs;
mod check;
mod completions;
mod init;
mod logging;
mod schema;
mod serve;
mod test;
mod types;

use clap::Parser as _;
use miette::Result;

use args::{Args, Command};

/// Runs the command that was typed.
pub fn run() -> Result<()> {
    let args = Args::parse();
    logging::start(args.log_format);
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
        Command::Certs(certs) => certs::run(certs),
    }
}
