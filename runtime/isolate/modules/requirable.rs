//! The names of a worker's files for `require()`, and who requires what.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deno_core::url::Url;
use serde::{Deserialize, Serialize};

use super::commonjs::BUNDLE;
use super::failure::ImportFailure;
use super::scopes::Package;

/// The names of a worker's files, and who requires what.
#[derive(Debug, Default)]
pub(super) struct Requirable {
    /// What is required by literal names, by who requires it.
    pub(super) edges: HashMap<(String, String), Result<Url, ImportFailure>>,
    /// URLs by names in `/bundle`.
    pub(super) urls: HashMap<String, String>,
    /// The names that imports of CommonJS modules have, by URL.
    pub(super) exports: HashMap<String, Names>,
    pub(super) packages: BTreeMap<String, Package>,
}

/// The names that imports of a CommonJS module have.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct Names {
    /// Those that Node's lexer finds.
    pub(super) found: BTreeSet<String>,
    /// More of those that its text says, for who was written for a bundler.
    pub(super) others: BTreeSet<String>,
    /// Those that some module imports.
    pub(super) imported: BTreeSet<String>,
}

/// The name of a file of the project.
pub(super) fn bundle_name(url: &Url) -> Option<String> {
    let path = url.to_file_path().ok()?;
    let path = path.to_str()?.trim_start_matches('/');
    Some(match url.query() {
        Some(query) => format!("{BUNDLE}{path}?{query}"),
        None => format!("{BUNDLE}{path}"),
    })
}
