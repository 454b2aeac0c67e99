//! `rules` and `alias`: what imports mean.

use std::collections::BTreeMap;

use globset::{Glob, GlobSetBuilder};
use serde::Deserialize;

use crate::config::document::Document;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::isolate::modules::{Bundling, FileType};

/// One of `rules`.
#[derive(Debug, Deserialize)]
pub(super) struct Rule {
    #[serde(rename = "type")]
    kind: Kind,
    globs: Vec<String>,
    /// Whether later rules, and those that are there by themselves, hold beside it. They do here for files that no earlier one names.
    #[serde(default, rename = "fallthrough")]
    _fallthrough: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Kind {
    ESModule,
    CommonJS,
    CompiledWasm,
    Text,
    Data,
    PythonModule,
    PythonRequirement,
}

/// What the rules and aliases of a file are.
pub(super) fn bundling(
    document: &Document,
    path: &str,
    rules: &[Rule],
    aliases: &BTreeMap<String, String>,
) -> Result<Bundling, ConfigError> {
    let mut types = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let kind = match rule.kind {
            Kind::Text => FileType::Text,
            Kind::Data => FileType::Data,
            Kind::CompiledWasm => FileType::Wasm,
            // What scripts are their own names say.
            Kind::ESModule | Kind::CommonJS | Kind::PythonModule | Kind::PythonRequirement => continue,
        };
        let mut patterns = GlobSetBuilder::new();
        for (place, glob) in rule.globs.iter().enumerate() {
            let pattern = Glob::new(glob.trim_start_matches("./")).map_err(|error| {
                let why = format!("{glob:?} is no pattern of files: {}", error.kind());
                document.complain(&format!("{path}[{index}].globs[{place}]"), &why)
            })?;
            patterns.add(pattern);
        }
        let patterns = patterns
            .build()
            .map_err(|error| document.complain(&format!("{path}[{index}].globs"), &error.to_string()))?;
        types.push((patterns, kind));
    }
    Ok(Bundling {
        types,
        aliases: aliases.clone(),
        folder: document.folder().to_owned(),
    })
}
