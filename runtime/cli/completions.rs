//! `workerd-lite completions`.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::{Args, Completions};
use super::bash;

/// Prints the completions of a shell.
pub(super) fn run(args: &Completions) {
    let mut program = without_hidden(&Args::command()).version("").propagate_version(true);
    program.build();
    let script = match args.shell {
        Shell::Bash => bash::script(&program),
        shell => generated(shell, &mut program),
    };
    // Whoever reads it may have read enough.
    let _ = std::io::stdout().write_all(script.as_bytes());
}

/// clap_complete offers what is hidden, too.
fn without_hidden(command: &clap::Command) -> clap::Command {
    let mut shown = clap::Command::new(command.get_name().to_owned())
        .args(
            command
                .get_arguments()
                .filter(|argument| !argument.is_hide_set())
                .cloned(),
        )
        .subcommands(
            command
                .get_subcommands()
                .filter(|inner| !inner.is_hide_set())
                .map(without_hidden),
        );
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    shown
}

fn generated(shell: Shell, program: &mut clap::Command) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, program, "workerd-lite", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if shell == Shell::Fish {
        fish_words(&mut script, program);
    }
    script
}

/// The words that commands take in a place, which clap_complete leaves out for fish.
fn fish_words(script: &mut String, program: &clap::Command) {
    for command in program.get_subcommands() {
        for argument in command.get_positionals() {
            for value in argument.get_possible_values() {
                let _ = writeln!(
                    script,
                    "complete -c workerd-lite -n \"__fish_workerd_lite_using_subcommand {}\" -f -a {}",
                    command.get_name(),
                    value.get_name()
                );
            }
        }
    }
}
