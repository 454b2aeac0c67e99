//! Files that an agent's wrangler file has served.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::assets::{Assets, Settings};
use crate::config::document::Document;
use crate::config::wrangler::Assets as Written;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::host::{Agent, Grant, Offers};

/// How many lines that are passed over are told.
const TOLD: usize = 20;

/// Gives an agent the assets that its own file names. `within` is the folder that they must lie in, by a path without symbolic links, and
/// `forbidden` what nobody may read.
pub(super) fn attach(
    agent: &mut Agent,
    document: &Document,
    written: &Written,
    (within, forbidden): (&Path, &HashSet<PathBuf>),
    has_worker: bool,
) -> Result<(), ConfigError> {
    let field = |name: &str| format!("{}.{name}", written.path);
    let complain = |name: &str, why: &str| document.complain(&field(name), why);
    let Some(directory) = &written.directory else {
        return Ok(());
    };
    let directory = document.folder().join(directory);
    let found = directory.canonicalize().map_err(|error| {
        complain(
            "directory",
            &format!("the folder {} can not be read: {error}", directory.display()),
        )
    })?;
    if !found.starts_with(within) {
        let why = format!(
            "the folder {} is outside of {}, which the agent's files are in",
            found.display(),
            within.display()
        );
        return Err(complain("directory", &why));
    }
    let settings = Settings {
        directory: found,
        html_handling: written.html_handling,
        not_found_handling: written.not_found_handling,
        worker_first: written
            .worker_first()
            .map_err(|why| complain("run_worker_first", &why))?,
        has_worker,
        navigation: written.navigation,
        forbidden: forbidden.iter().cloned().collect(),
    };
    let (assets, wrong) = Assets::open(settings).map_err(|why| complain("directory", &why))?;
    for line in wrong.iter().take(TOLD) {
        tracing::warn!("{line}");
    }
    if wrong.len() > TOLD {
        tracing::warn!(
            "{}: {} more lines are passed over",
            directory.display(),
            wrong.len() - TOLD
        );
    }
    agent.assets = Some(Arc::new(assets));
    if let Some(binding) = &written.binding {
        let worker = &agent.worker;
        let is_bound = worker.vars.contains_key(binding)
            || worker.loaders.contains(binding)
            || agent.services.iter().any(|grant| grant.binding == *binding);
        if is_bound {
            return Err(complain("binding", &format!("the name {binding:?} is bound twice")));
        }
        agent.services.push(Grant {
            binding: binding.clone(),
            offers: Offers::Assets,
            entrypoint: None,
            props: serde_json::Map::new(),
            methods: None,
        });
    }
    Ok(())
}
