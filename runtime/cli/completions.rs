//! `workerd-lite completions`.

use std::io::Write as _;

use super::args::Completions;

/// Prints the completions of a shell.
pub(super) fn run(args: &Completions, mut program: clap::Command) {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut program, "workerd-lite", &mut text);
    // Whoever reads it may have read enough.
    let _ = std::io::stdout().write_all(&text);
}
