//! `workerd-lite`, the program.

use std::process::ExitCode;

use workerd_lite::cli::{self, Commit};

/// What git has checked out. Only this file is compiled again where that changes, which is what keeps a commit cheap.
#[cfg(git)]
const CHECKED_OUT: Option<&str> = Some(include_str!(env!("WORKERD_LITE_COMMIT_FILE")));
#[cfg(not(git))]
const CHECKED_OUT: Option<&str> = None;

fn main() -> ExitCode {
    cli::run(&Commit {
        checked_out: CHECKED_OUT,
        recorded: env!("WORKERD_LITE_COMMIT"),
    })
}
