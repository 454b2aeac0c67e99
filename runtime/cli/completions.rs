//! `workerd-lite completions`.

use clap::CommandFactory as _;

use super::args::{Args, Completions};

/// Prints the completions of a shell.
pub(super) fn run(args: &Completions) {
    let mut command = Args::command();
    clap_complete::generate(args.shell, &mut command, "workerd-lite", &mut std::io::stdout());
}
