//! `workerd-lite completions`.

use std::io::Write as _;

use clap::CommandFactory as _;

use super::args::{Args, Completions};

/// Prints the completions of a shell.
pub(super) fn run(args: &Completions) {
    let mut command = Args::command();
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "workerd-lite", &mut text);
    // Whoever reads it may have read enough.
    let _ = std::io::stdout().write_all(&text);
}
