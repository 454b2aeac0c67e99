//! Where a graph's modules come from: a project's folder, or texts that are given.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use deno_core::url::Url;

use super::compiler::CompilerOptions;
use super::defines::defined;
use super::failure::{Refusal, Rejected};
use super::import::{Asked, Import};
use super::module::Module;
use super::parse::{Parsed, parsed, source_type};
use super::read::{Reader, Target};
use super::relative::beside;
use super::requires::Pattern;
use super::scopes::Package;
use crate::isolate::StartupError;

/// What finds and reads modules.
pub(super) trait Source {
    /// What a module's specifier names.
    fn resolve(&self, file: &Path, import: &Import, referrer: &Url, asked: Asked) -> Result<Target, Refusal>;

    /// Reads a module as what its name or the import's `type` says.
    fn read(&self, url: &Url, kind: Option<&str>) -> Result<Module, Refusal>;

    /// The file of a module's URL.
    fn path(&self, url: &Url) -> Option<PathBuf>;

    /// What a script imports, and the JavaScript that it becomes.
    fn parse(&self, module: &Module, source: &str) -> Result<Parsed, Rejected>;

    /// The names of what is in a folder, seen from a file.
    fn entries(&self, file: &Path, folder: &str) -> Vec<String>;

    /// Whether a file imports CommonJS modules as Node.js does.
    fn is_node_module(&self, file: &Path) -> bool;

    /// Every package that was met, by its folder's path.
    fn packages(&self) -> BTreeMap<String, Package>;

    /// Whether Node's modules are there.
    fn has_node(&self) -> bool;

    /// The files that a script's names mean, as specifiers for it.
    fn data_files(&self, _file: &Path, _names: &[String]) -> Vec<Import> {
        Vec::new()
    }

    /// The machine code of a script's package, where the script has it found.
    fn addons(&self, _file: &Path, _requires: &[Import], _patterns: &[Pattern]) -> Vec<Import> {
        Vec::new()
    }

    /// The packages that a script's package may require by names that it computes: its peers, as npm installed them.
    fn peers(&self, _file: &Path) -> Vec<Import> {
        Vec::new()
    }

    /// What is required by an import's specifier, where a package has that beside what is imported.
    fn main_of(&self, _file: &Path, _import: &Import, _target: &Url) -> Option<Url> {
        None
    }

    /// Modules that are part of the worker though nothing imports them by a literal name.
    fn further(&self) -> Vec<Url> {
        Vec::new()
    }
}

impl Source for Reader<'_> {
    fn resolve(&self, file: &Path, import: &Import, referrer: &Url, asked: Asked) -> Result<Target, Refusal> {
        Reader::resolve(self, file, import, referrer, asked)
    }

    fn read(&self, url: &Url, kind: Option<&str>) -> Result<Module, Refusal> {
        Reader::read(self, url, kind)
    }

    fn path(&self, url: &Url) -> Option<PathBuf> {
        Reader::path(self, url)
    }

    fn parse(&self, module: &Module, source: &str) -> Result<Parsed, Rejected> {
        let options = match module.path.extension().and_then(|extension| extension.to_str()) {
            Some("ts" | "mts" | "cts" | "tsx" | "jsx") => self
                .packages
                .compiler_options(&module.path)
                .map_err(|message| Rejected::Kind(StartupError::new(message)))?,
            _ => CompilerOptions::default(),
        };
        let format = self.scopes.format(&module.path);
        let defined = defined(source, source_type(&module.name), &self.bundling.defines);
        let text = defined.as_deref().unwrap_or(source);
        let mut parsed = parsed(&module.name, text, format, &options).map_err(Rejected::Syntax)?;
        parsed.defined = defined;
        Ok(parsed)
    }

    fn entries(&self, file: &Path, folder: &str) -> Vec<String> {
        let within = beside(&self.root, file, folder);
        let Some(entries) = within.and_then(|within| std::fs::read_dir(within).ok()) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect()
    }

    fn is_node_module(&self, file: &Path) -> bool {
        self.scopes.is_node_module(file)
    }

    fn data_files(&self, file: &Path, names: &[String]) -> Vec<Import> {
        Reader::data_files(self, file, names)
    }

    fn addons(&self, file: &Path, requires: &[Import], patterns: &[Pattern]) -> Vec<Import> {
        Reader::addons(self, file, requires, patterns)
    }

    fn peers(&self, file: &Path) -> Vec<Import> {
        self.scopes.peers(file).into_iter().map(Import::named).collect()
    }

    fn has_node(&self) -> bool {
        self.node.are_all()
    }

    fn main_of(&self, file: &Path, import: &Import, target: &Url) -> Option<Url> {
        Reader::main_of(self, file, import, target)
    }

    fn packages(&self) -> BTreeMap<String, Package> {
        self.scopes.packages()
    }
}
