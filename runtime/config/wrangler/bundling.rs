//! `rules` and `alias`: what imports mean.

use std::collections::BTreeMap;

use globset::Glob;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::document::Document;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::isolate::modules::{Bundling, FileType, Patterns};

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

/// The names that stand for constants: those of a file, and `process.env.NODE_ENV`, which is a variable of that name where there is one.
pub(super) fn defines(
    document: &Document,
    path: &str,
    written: &BTreeMap<String, String>,
    vars: &Map<String, Value>,
    development: bool,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut defines = default_defines(development);
    if let Some(Value::String(mode)) = vars.get("NODE_ENV") {
        defines.insert(NODE_ENV.to_owned(), Value::from(mode.as_str()).to_string());
    }
    for (name, value) in written {
        let is_constant = serde_json::from_str::<Value>(value).is_ok();
        let is_name = value.split('.').all(is_identifier);
        if !name.split('.').all(is_identifier) || !(is_constant || is_name || value == "undefined") {
            let why = format!("expected a name and JSON, or another name, found {value:?}");
            let place = format!("{path}.{name}");
            return Err(document
                .complain(&place, &why)
                .with_help("Text has quotes of its own: \"\\\"text\\\"\""));
        }
        defines.insert(name.clone(), value.clone());
    }
    Ok(defines)
}

const NODE_ENV: &str = "process.env.NODE_ENV";

/// What packages ask for: whether they are developed.
pub(super) fn default_defines(development: bool) -> BTreeMap<String, String> {
    let mode = if development {
        "\"development\""
    } else {
        "\"production\""
    };
    BTreeMap::from([(NODE_ENV.to_owned(), mode.to_owned())])
}

fn is_identifier(name: &str) -> bool {
    let letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    name.starts_with(|first: char| letter(first) && !first.is_numeric()) && name.chars().all(letter)
}

/// What the rules and aliases of a file are.
pub(super) fn bundling(
    document: &Document,
    path: &str,
    rules: &[Rule],
    aliases: &BTreeMap<String, String>,
    defines: BTreeMap<String, String>,
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
        let mut patterns = Vec::new();
        for (place, glob) in rule.globs.iter().enumerate() {
            let pattern = glob.trim_start_matches("./");
            Glob::new(pattern).map_err(|error| {
                let why = format!("{glob:?} is no pattern of files: {}", error.kind());
                document.complain(&format!("{path}[{index}].globs[{place}]"), &why)
            })?;
            patterns.push(pattern.to_owned());
        }
        let patterns = Patterns::try_from(patterns)
            .map_err(|error| document.complain(&format!("{path}[{index}].globs"), &error.to_string()))?;
        types.push((patterns, kind));
    }
    Ok(Bundling {
        maps: false,
        types,
        aliases: aliases.clone(),
        defines,
        folder: document
            .folder()
            .canonicalize()
            .unwrap_or_else(|_| document.folder().to_owned()),
    })
}
