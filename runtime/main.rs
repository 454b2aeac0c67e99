//! `workerd-lite`, the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    workerd_lite::cli::run()
}
