//! The command line: what is typed, apart from what it does.

mod args;
mod certs;
mod logging;
mod serve;
mod test;

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
        Command::Certs(certs) => certs::run(certs),
    }
}
