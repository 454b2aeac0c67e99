//! Files that a script reads by names beside its own: `readFileSync(path.join(__dirname, "x.css"))`. They are files of `/bundle` as modules are.

use std::path::{Path, PathBuf};

use super::file_names::SCRIPTS;
use super::import::Import;
use super::module::is_addon;
use super::read::{DATA, Reader};
use super::relative::beside;
use super::requires::Pattern;

/// How many files of a folder are taken.
const OF_FOLDER: usize = 256;

/// What finds a package's machine code by the names of its files.
const FINDERS: [&str; 4] = [
    "bindings",
    "node-gyp-build",
    "node-gyp-build-optional-packages",
    "@mapbox/node-pre-gyp",
];

/// Where such files are in a package, and how many of them are taken.
const ADDONS: [&str; 4] = ["bin", "build", "lib/binding", "prebuilds"];
const MOST_ADDONS: usize = 128;

impl Reader<'_> {
    /// The files that a script's names mean, as specifiers for it.
    pub(super) fn data_files(&self, file: &Path, names: &[String]) -> Vec<Import> {
        let root = &self.root;
        let package = self.scopes.folder(file);
        let mut found = Vec::new();
        for name in names {
            let by_package = || package.as_ref().map(|folder| folder.join("package.json"));
            let candidates = [Some(file.to_owned()), by_package()].into_iter().flatten();
            for path in candidates.filter_map(|from| beside(root, &from, &format!("./{name}"))) {
                let Ok(about) = path.metadata() else { continue };
                if about.is_file() {
                    found.push(path);
                } else if about.is_dir() && !file.starts_with(&path) && !path.ends_with("node_modules") {
                    found.extend(files_of(&path));
                } else {
                    continue;
                }
                break;
            }
        }
        found.into_iter().filter_map(|path| self.read_as_data(&path)).collect()
    }

    /// The machine code of a script's package, where the script has it found.
    pub(super) fn addons(&self, file: &Path, requires: &[Import], patterns: &[Pattern]) -> Vec<Import> {
        let finds = requires
            .iter()
            .any(|import| FINDERS.contains(&import.specifier.as_str()))
            || patterns.iter().any(|pattern| is_addon(&pattern.after));
        let Some(package) = finds.then(|| self.scopes.folder(file)).flatten() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for folder in ADDONS {
            add_addons(&package.join(folder), 4, &mut found);
        }
        found.iter().filter_map(|path| self.at(path, None)).collect()
    }

    fn read_as_data(&self, path: &Path) -> Option<Import> {
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        if SCRIPTS.contains(&extension) {
            return None;
        }
        let is_known = matches!(extension, "json" | "txt" | "html" | "sql" | "wasm" | "bin");
        self.at(path, (!is_known).then(|| DATA.to_owned()))
    }

    /// An import of a file by its path in the project.
    fn at(&self, path: &Path, kind: Option<String>) -> Option<Import> {
        let url = self.url(path)?;
        Some(Import {
            kind,
            ..Import::named(url.path().to_owned())
        })
    }
}

/// A folder's own files.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files.truncate(OF_FOLDER);
    files
}

fn add_addons(folder: &Path, deepest: usize, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if found.len() >= MOST_ADDONS {
            return;
        }
        if path.extension().is_some_and(|extension| extension == "node") {
            found.push(path);
        } else if deepest > 1 && path.is_dir() {
            add_addons(&path, deepest - 1, found);
        }
    }
}
