//! What a package has for Node.js, where what it has for browsers is of less use in a worker: it works by a page, lacks a name that is imported, or
//! is the one file that `browser` names for all of the package, which was made for where there are no modules of Node's.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use oxc_allocator::Allocator;
use oxc_parser::Parser;
use oxc_span::SourceType;
use oxc_syntax::module_record::ExportExportName;

use super::import::Asked;
use super::nesting::is_too_deep;
use super::page::{named, needs_page};
use super::relative::is_relative;
use super::scopes::{own_folder, read_package};
use crate::bounded_file;

/// What is known of packages' main files, by their paths.
#[derive(Default)]
pub(super) struct NodesOwn {
    /// What Node.js would take, by what was found and what asked for it: by an import's rules, and by those of `require()`.
    others: RefCell<HashMap<(PathBuf, String, Asked), Vec<PathBuf>>>,
    /// Whether they work by a page.
    pages: RefCell<HashMap<PathBuf, bool>>,
    /// Whether they are what `browser` names for all of their package.
    stand_ins: RefCell<HashMap<PathBuf, bool>>,
    /// The names that modules export. Nothing where not all are known.
    exports: RefCell<HashMap<PathBuf, Option<Exported>>>,
    /// Those in whose place Node's are, for all that import them.
    replaced: RefCell<HashMap<PathBuf, PathBuf>>,
}

impl NodesOwn {
    /// The file in the place of `found`, which `others` are Node's for. `main` is what the package's own name would give, where this is one of
    /// its further files: parts of a package that are for different platforms do not know each other.
    pub(super) fn of(
        &self,
        found: &Path,
        specifier: &str,
        asked: Asked,
        names: &[String],
        others: impl FnOnce() -> Vec<PathBuf>,
        main: impl FnOnce() -> Option<PathBuf>,
    ) -> Option<PathBuf> {
        let key = (found.to_owned(), specifier.to_owned(), asked);
        let mut others = self
            .others
            .borrow_mut()
            .entry(key)
            .or_insert_with(|| others().into_iter().filter(|other| other != found).collect())
            .clone();
        if others.is_empty() {
            return None;
        }
        if let Some(other) = self.replaced.borrow().get(found) {
            return Some(other.clone());
        }
        let is_stand_in = self.is_stand_in(found);
        let by_main = || main().is_some_and(|main| self.is_stand_in(&main) || self.is_page(&main));
        if !is_stand_in && !self.is_page(found) && !self.lacks(found, names) && !by_main() {
            return None;
        }
        if is_stand_in {
            // `main`, which Node.js has for imports as well: of one file there is one instance.
            others.reverse();
        }
        // It may be that none has it.
        let other = others.into_iter().find(|other| !self.lacks(other, names))?;
        self.replaced.borrow_mut().insert(found.to_owned(), other.clone());
        Some(other)
    }

    /// Whether a file is what the text of `browser` names in a package without `exports`.
    fn is_stand_in(&self, file: &Path) -> bool {
        if let Some(known) = self.stand_ins.borrow().get(file) {
            return *known;
        }
        let is = named_for_browsers(file).is_some_and(|named| named == file);
        self.stand_ins.borrow_mut().insert(file.to_owned(), is);
        is
    }

    fn is_page(&self, file: &Path) -> bool {
        if let Some(known) = self.pages.borrow().get(file) {
            return *known;
        }
        let is = needs_page([file.to_owned()], own_folder(file).unwrap_or(file));
        self.pages.borrow_mut().insert(file.to_owned(), is);
        is
    }

    /// Whether a module does not export one of these names.
    fn lacks(&self, file: &Path, names: &[String]) -> bool {
        if names.is_empty() {
            return false;
        }
        let mut known = self.exports.borrow_mut();
        let of = || exported(file).map(Exported::Names).or_else(|| words(file));
        let exports = known.entry(file.to_owned()).or_insert_with(of);
        let exports = exports.as_ref();
        exports.is_some_and(|exports| names.iter().any(|name| !exports.has(name)))
    }
}

/// The file that the text of `browser` names for all of the package that a file is of.
fn named_for_browsers(file: &Path) -> Option<PathBuf> {
    let folder = own_folder(file)?;
    let package = read_package(folder)?;
    if package.get("exports").is_some_and(|exports| !exports.is_null()) {
        return None;
    }
    // Without one it may have nothing else.
    package.get("main")?.as_str()?;
    let name = package.get("browser")?.as_str()?;
    let name = if is_relative(name) {
        name.to_owned()
    } else {
        format!("./{name}")
    };
    named(folder, &folder.join("package.json"), &name)
}

/// The longest file that is looked into, in bytes.
const LONGEST: u64 = 16 << 20;

/// What a module exports.
enum Exported {
    /// These names.
    Names(HashSet<String>),
    /// Names that its text has, and no others.
    Text(String),
}

impl Exported {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::Names(names) => names.contains(name),
            Self::Text(text) => name == "default" || text.contains(name),
        }
    }
}

/// The text of a CommonJS module that passes on nothing of others and names what it exports.
fn words(file: &Path) -> Option<Exported> {
    const PASSES_ON: [&str; 8] = [
        "import ",
        "export ",
        "exports = require",
        "require(\".",
        "require('.",
        "assign(exports",
        "exports[",
        "exportStar",
    ];
    let source = bounded_file::read_to_string(file, LONGEST).ok()?;
    let is_script = file
        .extension()
        .is_some_and(|extension| extension == "js" || extension == "cjs");
    let is_whole = is_script && source.contains("exports") && !PASSES_ON.iter().any(|words| source.contains(words));
    is_whole.then_some(Exported::Text(source))
}

/// How many files of a package are looked into for what one of them exports.
const MOST: usize = 64;

/// What an ES module exports, with what it exports of its package's other files.
fn exported(file: &Path) -> Option<HashSet<String>> {
    let folder = own_folder(file)?;
    let main = file;
    let mut exports = HashSet::new();
    let (mut next, mut seen) = (vec![file.to_owned()], HashSet::new());
    while let Some(file) = next.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        if seen.len() > MOST {
            return None;
        }
        let source = bounded_file::read_to_string(&file, LONGEST).ok()?;
        if is_too_deep(&source) {
            return None;
        }
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, &source, SourceType::unambiguous()).parse();
        let record = parsed.module_record;
        if !record.has_module_syntax {
            return None;
        }
        let entries = record
            .local_export_entries
            .iter()
            .chain(&record.indirect_export_entries);
        // `export *` passes no default on.
        let is_main = file == main;
        exports.extend(entries.filter_map(|entry| match &entry.export_name {
            ExportExportName::Name(name) => Some(name.name.to_string()).filter(|name| is_main || name != "default"),
            ExportExportName::Default(_) => is_main.then(|| "default".to_owned()),
            ExportExportName::Null => None,
        }));
        for entry in &record.star_export_entries {
            // `export * as a`
            if let ExportExportName::Name(name) = &entry.export_name {
                exports.insert(name.name.to_string());
            } else {
                let request = entry
                    .module_request
                    .as_ref()
                    .filter(|request| is_relative(request.name.as_str()))?;
                next.push(named(folder, &file, request.name.as_str())?);
            }
        }
    }
    Some(exports)
}
