//! `workerd-lite schema`.

use std::io::Write as _;

use miette::{IntoDiagnostic as _, Result};

/// Prints the JSON schema of `workerd-lite.toml`.
pub(super) fn run() -> Result<()> {
    writeln!(std::io::stdout(), "{:#}", crate::config::schema().to_value()).into_diagnostic()
}
