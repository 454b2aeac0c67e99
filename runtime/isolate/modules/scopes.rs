//! The `package.json` that a file belongs to: <https://nodejs.org/docs/latest-v22.x/api/packages.html#determining-module-system>.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::bounded_file::{self, SETTINGS};

/// How many peers of a package are taken.
const MOST_PEERS: usize = 32;

/// What a file is where its text does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// CommonJS, by its name.
    CommonJs,
    /// An ES module, by its name or its package's `type`.
    Module,
    /// An ES module where it has such syntax, and CommonJS otherwise.
    BySyntax,
}

/// A package's `package.json`.
pub(super) type Package = Arc<Value>;

/// The folder of the nearest `package.json` above a file.
pub(super) fn own_folder(file: &Path) -> Option<&Path> {
    file.ancestors()
        .skip(1)
        .find(|folder| folder.join("package.json").is_file())
}

/// What the `package.json` in a folder says, if it can be read.
pub(super) fn read_package(folder: &Path) -> Option<Value> {
    let text = bounded_file::read_to_string(&folder.join("package.json"), SETTINGS).ok()?;
    serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
}

/// Those of a project, read once each.
pub(super) struct Scopes {
    root: PathBuf,
    read: RefCell<HashMap<PathBuf, Option<Package>>>,
}

impl Scopes {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            read: RefCell::default(),
        }
    }

    /// How Node.js takes a script.
    pub(super) fn format(&self, file: &Path) -> Format {
        // It is read in any case: `require()` of computed names wants to know of every package.
        let is_type_module = self.is_type_module(file);
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("mjs" | "mts") => Format::Module,
            Some("cjs" | "cts") => Format::CommonJs,
            _ if is_type_module => Format::Module,
            _ => Format::BySyntax,
        }
    }

    /// Whether Node.js takes a file for an ES module by its name or its package's `type`: such a file imports a CommonJS
    /// module's `module.exports` by the name `default`, and others what was compiled to be that.
    pub(super) fn is_node_module(&self, file: &Path) -> bool {
        self.format(file) == Format::Module
    }

    fn is_type_module(&self, file: &Path) -> bool {
        let mut folders = file.ancestors().skip(1);
        let nearest = folders
            .by_ref()
            .take_while(|folder| folder.starts_with(&self.root))
            .find_map(|folder| self.in_folder(folder));
        nearest.is_some_and(|package| package["type"] == "module")
    }

    /// The `package.json` in a folder.
    pub(super) fn in_folder(&self, folder: &Path) -> Option<Package> {
        if let Some(known) = self.read.borrow().get(folder) {
            return known.clone();
        }
        let package = read_package(folder).map(Arc::new);
        self.read.borrow_mut().insert(folder.to_owned(), package.clone());
        package
    }

    /// The folder of the package that a file belongs to.
    pub(super) fn folder(&self, file: &Path) -> Option<PathBuf> {
        let mut folders = file
            .ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(&self.root));
        folders
            .find(|folder| self.in_folder(folder).is_some())
            .map(ToOwned::to_owned)
    }

    /// The peers of an installed file's package, the optional ones too, but for those that only compile. A database's library requires the
    /// driver that its owner installed beside it.
    pub(super) fn peers(&self, file: &Path) -> Vec<String> {
        let package = self
            .folder(file)
            .filter(|folder| folder.components().any(|part| part.as_os_str() == "node_modules"));
        let Some(package) = package.and_then(|folder| self.in_folder(&folder)) else {
            return Vec::new();
        };
        let lists = ["peerDependencies", "peerDependenciesMeta"].map(|list| package[list].as_object());
        let names: BTreeSet<&String> = lists.into_iter().flatten().flat_map(|list| list.keys()).collect();
        let runs = |name: &&String| *name != "typescript" && !name.starts_with("@types/");
        names.into_iter().filter(runs).take(MOST_PEERS).cloned().collect()
    }

    /// Every package that was met, by its folder's path within the project.
    pub(super) fn packages(&self) -> BTreeMap<String, Package> {
        let read = self.read.borrow();
        let found = read.iter().filter_map(|(folder, package)| {
            let within = folder.strip_prefix(&self.root).ok()?.to_str()?.to_owned();
            Some((within, Arc::clone(package.as_ref()?)))
        });
        found.collect()
    }
}
