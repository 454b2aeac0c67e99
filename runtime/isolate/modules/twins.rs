//! Packages that have the same code twice, `module` for who imports them and `main` for who requires them, and no `exports`. Where a worker
//! does both, all of it has `main`, as esbuild decides: two instances of such a package do not know of each other's objects.

use std::path::{Component, Path, PathBuf};

use deno_core::url::Url;

use super::import::{Asked, Import};
use super::load::Loading;
use super::package::Packages;
use super::read::Reader;
use super::relative::is_relative;

impl Loading<'_> {
    /// Has imports of such packages mean what is required of them, once all modules were read.
    pub(super) fn join_twins(&mut self) {
        if self.commonjs.is_empty() {
            return;
        }
        for (target, file, importer, import) in &mut self.importers {
            let edge = (importer.to_string(), import.specifier.clone());
            let Some(Ok(resolved)) = self.resolved.get_mut(&edge) else {
                continue;
            };
            if resolved != target || import.source || import.kind.is_some() {
                continue;
            }
            if let Some(main) = self.reader.main_of(file, import, target)
                && self.commonjs.contains_key(&main)
            {
                *resolved = main.clone();
                *target = main;
            }
        }
    }
}

impl Reader<'_> {
    /// What is required by an import's specifier, where that is another file of the package than is imported, and its `exports` are not why.
    pub(super) fn main_of(&self, file: &Path, import: &Import, target: &Url) -> Option<Url> {
        let specifier = import.specifier.as_str();
        if is_relative(specifier) || specifier.starts_with(['/', '#']) {
            return None;
        }
        let found = self.path(target)?;
        let package = self.scopes.in_folder(&package_folder(&found)?)?;
        if package.get("exports").is_some_and(|exports| !exports.is_null()) {
            return None;
        }
        self.url(&self.packages.main_of(file, specifier, &found)?)
    }
}

impl Packages {
    fn main_of(&self, referrer: &Path, specifier: &str, found: &Path) -> Option<PathBuf> {
        let (imported, suffix) = self.file(referrer, specifier, Asked::Import).ok()?;
        if imported != found || !suffix.is_empty() {
            return None;
        }
        let (required, _) = self.file(referrer, specifier, Asked::Require).ok()?;
        (required != found).then_some(required)
    }
}

/// The folder of the installed package that a file is of.
fn package_folder(file: &Path) -> Option<PathBuf> {
    let parts: Vec<Component<'_>> = file.components().collect();
    let installed = parts.iter().rposition(|part| part.as_os_str() == "node_modules")?;
    let scoped = parts.get(installed + 1)?.as_os_str().to_str()?.starts_with('@');
    let end = installed + if scoped { 3 } else { 2 };
    (end < parts.len()).then(|| parts[..end].iter().collect())
}
