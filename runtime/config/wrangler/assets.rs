//! `assets`: a folder of files that are served.

use std::path::PathBuf;

use serde::Deserialize;

use crate::assets::{HtmlHandling, NotFoundHandling, WorkerFirst};

/// The date from which a browser's navigation prefers assets.
const NAVIGATION: &str = "2025-04-01";

/// `assets`.
#[derive(Debug, Deserialize)]
pub(crate) struct Assets {
    /// Seen from the file that names it. A bundler that finds it by itself leaves it out.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) binding: Option<String>,
    #[serde(default)]
    pub(crate) html_handling: HtmlHandling,
    #[serde(default)]
    pub(crate) not_found_handling: NotFoundHandling,
    #[serde(default)]
    run_worker_first: RunWorkerFirst,
    /// Whether `not_found_handling` goes before the script for navigations.
    #[serde(skip)]
    pub(crate) navigation: bool,
    /// Where it is written.
    #[serde(skip)]
    pub(crate) path: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected true, false, or a list of rules such as \"/api/*\"")]
enum RunWorkerFirst {
    Always(bool),
    Rules(Vec<String>),
}

impl Default for RunWorkerFirst {
    fn default() -> Self {
        Self::Always(false)
    }
}

impl Assets {
    /// What is the script's first, or what is wrong with a rule.
    pub(crate) fn worker_first(&self) -> Result<WorkerFirst, String> {
        match &self.run_worker_first {
            RunWorkerFirst::Always(false) => Ok(WorkerFirst::Never),
            RunWorkerFirst::Always(true) => Ok(WorkerFirst::Always),
            RunWorkerFirst::Rules(rules) => WorkerFirst::rules(rules),
        }
    }
}

/// Whether `not_found_handling` goes before the script for navigations, by the date and the flags.
pub(super) fn navigation(date: Option<&str>, flags: &[String]) -> bool {
    let has = |flag: &str| flags.iter().any(|given| given == flag);
    let by_date = date.is_none_or(|date| date >= NAVIGATION);
    has("assets_navigation_prefers_asset_serving") || (by_date && !has("assets_navigation_has_no_effect"))
}
