//! Bindings that load workers.

use serde_json::{Map, Value};

use crate::config::files::Files;
use crate::diagnostic::SourceDiagnostic as ConfigError;

/// Those that the wrangler file of a folder's agent names.
pub(super) fn loaders_found(wrangler: &[String], vars: &Map<String, Value>) -> Result<Vec<String>, ConfigError> {
    for (index, name) in wrangler.iter().enumerate() {
        if name.is_empty() {
            return Err(ConfigError::new("worker_loaders: expected the name of a binding"));
        }
        if vars.contains_key(name) || wrangler[..index].contains(name) {
            return Err(ConfigError::new(format!(
                "worker_loaders: the name {name:?} is bound twice"
            )));
        }
    }
    Ok(wrangler.to_vec())
}

/// Their names, those of wrangler's file first. `field` is where the project's are written; `vars` are names that are taken.
pub(super) fn loaders(
    files: &Files,
    field: &str,
    (wrangler, own): (&[String], &[String]),
    vars: &Map<String, Value>,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (index, name) in wrangler.iter().chain(own).enumerate() {
        let place = match index.checked_sub(wrangler.len()) {
            Some(index) => format!("{field}[{index}]"),
            None => field.to_owned(),
        };
        if name.is_empty() {
            files
                .problems
                .add(files.complain(&place, "expected the name of a binding"));
        } else if vars.contains_key(name) || names.contains(name) {
            let message = format!("the name {name:?} is bound twice");
            files.problems.add(files.complain(&place, &message));
        } else {
            names.push(name.clone());
        }
    }
    names
}
