//! `workerd-lite`, the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    match workerd_lite::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            tracing::error!("{report:?}");
            ExitCode::FAILURE
        }
    }
}
