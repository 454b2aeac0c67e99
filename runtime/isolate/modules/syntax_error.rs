//! Errors of the parser and the transformer as diagnostics.

use std::path::Path;

use oxc_diagnostics::{OxcDiagnostic, Severity};

use super::syntax::proposal;
use crate::isolate::StartupError;

/// Fails with the first error.
pub(super) fn check<'a>(
    name: &str,
    source: &str,
    mut diagnostics: impl Iterator<Item = &'a OxcDiagnostic>,
) -> Result<(), StartupError> {
    let Some(error) = diagnostics.find(|diagnostic| diagnostic.severity == Severity::Error) else {
        return Ok(());
    };
    let language = match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("ts" | "mts" | "cts" | "tsx") => "TypeScript",
        _ => "JavaScript",
    };
    let span = error.labels.first().map(|label| {
        let (start, length) = (label.offset() as usize, label.len() as usize);
        start..start + length
    });
    let proposal = span.as_ref().and_then(|span| proposal(source, span.clone()));
    let why = proposal.map_or_else(
        || error.message.to_string(),
        |proposal| format!("{proposal} is not part of it"),
    );
    let mut startup = StartupError::new(format!("{name} is not valid {language}: {why}"));
    if let (Some(span), Some(label)) = (span, error.labels.first()) {
        startup = startup.at(name, source, span, label.label().map(ToOwned::to_owned));
    }
    if let Some(help) = &error.help {
        startup = startup.with_help(help.to_string());
    }
    Err(startup)
}
