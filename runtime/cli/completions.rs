//! `workerd-lite completions`.

use std::fmt::Write as _;
use std::io::Write as _;

use clap_complete::Shell;

use super::args::Completions;
use super::bash;

/// Prints the completions of a shell.
pub(super) fn run(args: &Completions, mut program: clap::Command) {
    program.build();
    let script = match args.shell {
        Shell::Bash => bash::script(&program),
        shell => generated(shell, &mut program),
    };
    // Whoever reads it may have read enough.
    let _ = std::io::stdout().write_all(script.as_bytes());
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
