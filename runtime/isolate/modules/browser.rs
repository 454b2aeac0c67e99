//! The `browser` field as a map, which replaces files and packages within its package:
//! <https://github.com/defunctzombie/package-browser-field-spec>. The rules are esbuild's, and a key without an extension
//! means its file as well, as browserify and Rollup have it. A map that leads to files which work by a page does not hold:
//! what the package has for Node is of more use in a worker.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::page::{does_nothing, is_nothing, needs_page, passes_node_on};
use super::scopes::read_package;

/// What a key is replaced by: a specifier, or nothing at all where it is `false`.
type Replacement = Option<String>;

/// One package's map.
#[derive(Debug)]
pub(super) struct BrowserMap {
    pub(super) folder: PathBuf,
    /// By the path within the package.
    files: HashMap<String, Replacement>,
    /// By the name of a package.
    packages: HashMap<String, Replacement>,
    extensions: Vec<String>,
}

/// The maps of a project's packages, each read once.
pub(super) struct BrowserMaps {
    root: PathBuf,
    extensions: Vec<String>,
    /// Whether Node's modules are there.
    node: bool,
    by_folder: RefCell<HashMap<PathBuf, Option<Rc<BrowserMap>>>>,
}

impl BrowserMaps {
    pub(super) fn new(root: &Path, extensions: Vec<String>, node: bool) -> Self {
        Self {
            root: root.to_owned(),
            extensions,
            node,
            by_folder: RefCell::default(),
        }
    }

    /// The map that holds for a file: that of the nearest package above it that has one.
    pub(super) fn of(&self, file: &Path) -> Option<Rc<BrowserMap>> {
        file.ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(&self.root) && !folder.ends_with("node_modules"))
            .find_map(|folder| self.in_folder(folder))
    }

    fn in_folder(&self, folder: &Path) -> Option<Rc<BrowserMap>> {
        if let Some(known) = self.by_folder.borrow().get(folder) {
            return known.clone();
        }
        let read = BrowserMap::read(folder, &self.extensions, self.node).map(Rc::new);
        self.by_folder.borrow_mut().insert(folder.to_owned(), read.clone());
        read
    }
}

impl BrowserMap {
    /// The map in a folder's `package.json`. One that can not be read is the resolver's to complain of.
    fn read(folder: &Path, extensions: &[String], node: bool) -> Option<Self> {
        let package = read_package(folder)?;
        let mut map = Self {
            folder: folder.to_owned(),
            files: HashMap::new(),
            packages: HashMap::new(),
            extensions: extensions.to_owned(),
        };
        for (key, value) in package.get("browser")?.as_object()? {
            let replacement = match value {
                serde_json::Value::String(specifier) => Some(specifier.clone()),
                serde_json::Value::Bool(false) => None,
                _ => continue,
            };
            if !key.starts_with('.') && !key.starts_with('/') {
                map.packages.insert(key.clone(), replacement.clone());
            }
            // `crypto` is a package, and `./crypto` a file: `lib/crypto` and `crypto.js` may be either.
            let is_file = key.starts_with('.') || key.contains('/') || Path::new(key).extension().is_some();
            if is_file && !key.starts_with('@') {
                map.files.insert(normal(Path::new(key)), replacement);
            }
        }
        let replacements = map.files.values().flatten();
        let replacements: Vec<PathBuf> = replacements.filter_map(|name| map.named(name)).collect();
        // A part that works here is of more use than none.
        let is_less = (node && map.stands_for_node(&replacements))
            || replacements.iter().any(|file| is_nothing(file))
            || needs_page(replacements, folder);
        (!is_less).then_some(map)
    }

    /// Whether one of the files that it replaces passes a module of Node's on, or one of the replacements does nothing: what they stand for is
    /// here.
    fn stands_for_node(&self, replacements: &[PathBuf]) -> bool {
        let mut replaced = self.files.iter().filter(|(_, to)| to.is_some());
        replaced.any(|(name, _)| self.named(name).is_some_and(|file| passes_node_on(&file)))
            || replacements.iter().any(|file| does_nothing(file))
    }

    /// The file of a name within the package.
    fn named(&self, name: &str) -> Option<PathBuf> {
        let name = normal(Path::new(name));
        let with = self.extensions.iter().map(|extension| format!("{name}{extension}"));
        let mut names = std::iter::once(name.clone())
            .chain(with)
            .chain([format!("{name}/index.js")]);
        names.find_map(|name| Some(self.folder.join(name)).filter(|file| file.is_file()))
    }

    /// The replacement of a file, which may be named without its extension, and need not exist.
    pub(super) fn of_file(&self, file: &Path) -> Option<&Replacement> {
        let name = normal(file.strip_prefix(&self.folder).ok()?);
        let mut names = vec![name.clone()];
        names.extend(self.extensions.iter().map(|extension| format!("{name}{extension}")));
        names.extend(
            self.extensions
                .iter()
                .map(|extension| normal(Path::new(&format!("{name}/index{extension}")))),
        );
        if let Some(stem) = self
            .extensions
            .iter()
            .find_map(|extension| name.strip_suffix(extension.as_str()))
        {
            names.push(stem.to_owned());
            names.extend(
                stem.strip_suffix("index")
                    .map(|folder| folder.trim_end_matches('/').to_owned()),
            );
        }
        names.iter().find_map(|name| self.files.get(name))
    }

    /// The replacement of a package, or of a file in one.
    pub(super) fn of_package(&self, specifier: &str) -> Option<&Replacement> {
        let name = specifier.strip_prefix("node:").unwrap_or(specifier);
        let with = self.extensions.iter().map(|extension| format!("{name}{extension}"));
        let without = self
            .extensions
            .iter()
            .find_map(|extension| name.strip_suffix(extension.as_str()));
        [specifier.to_owned(), name.to_owned()]
            .into_iter()
            .chain(with)
            .chain(without.map(ToOwned::to_owned))
            .find_map(|name| self.packages.get(&name))
    }
}

/// A path without `.`, and with `..` taken out.
fn normal(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str().unwrap_or_default()),
            Component::ParentDir => drop(parts.pop()),
            _ => {}
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_requests_match_with_and_without_extensions() {
        let folder = tempfile::tempdir().unwrap();
        let package = "\u{feff}{ \"browser\": { \"./full.js\": \"./a.js\", \"./bare\": \"./b.js\", \"plain/x.js\": false, \"./dir\": \"./d.js\",
            \"./dir2/index.js\": \"./e.js\", \"fs\": false, \"pkg/sub.js\": \"./p.js\", \"node:os\": \"./os.js\", \"./kept.js\": true } }";
        std::fs::write(folder.path().join("package.json"), package).unwrap();
        let extensions = [".ts", ".js"].map(ToOwned::to_owned).to_vec();
        let maps = BrowserMaps::new(folder.path(), extensions, true);
        let map = maps.of(&folder.path().join("deep/er/file.js")).unwrap();
        let file = |name: &str| map.of_file(&folder.path().join(name)).map(|found| found.as_deref());
        for (request, found) in [
            ("full.js", Some(Some("./a.js"))),
            ("full", Some(Some("./a.js"))),
            ("deep/../full", Some(Some("./a.js"))),
            ("bare", Some(Some("./b.js"))),
            ("bare.js", Some(Some("./b.js"))),
            ("bare.ts", Some(Some("./b.js"))),
            ("plain/x", Some(None)),
            ("dir/index.js", Some(Some("./d.js"))),
            ("dir", Some(Some("./d.js"))),
            ("dir2", Some(Some("./e.js"))),
            ("kept.js", None),
            ("full.json", None),
            ("deep/full.js", None),
            ("fs.js", None),
            ("fs", None),
        ] {
            assert_eq!(file(request), found, "{request}");
        }
        let package = |name| map.of_package(name).map(|found| found.as_deref());
        for (request, found) in [
            ("fs", Some(None)),
            ("node:fs", Some(None)),
            ("node:os", Some(Some("./os.js"))),
            ("os", None),
            ("pkg/sub", Some(Some("./p.js"))),
            ("pkg", None),
            ("fs/promises", None),
        ] {
            assert_eq!(package(request), found, "{request}");
        }
    }
    #[test]
    fn a_map_that_leads_to_a_page_does_not_hold() {
        let folder = tempfile::tempdir().unwrap();
        let package = r#"{ "browser": { "./node.js": "./page", "other": false } }"#;
        std::fs::write(folder.path().join("package.json"), package).unwrap();
        let of = |text: &str, node: bool| {
            std::fs::write(folder.path().join("page.js"), text).unwrap();
            BrowserMaps::new(folder.path(), vec![".js".to_owned()], node).of(&folder.path().join("node.js"))
        };
        let map = |text: &str| of(text, false);
        assert!(map("export const parse = (text) => new DOMParser().parse(text);").is_none());
        assert!(map("export const parse = (text) => JSON.parse(text);").is_some());
        assert!(map("// none\nexport default null;\n").is_none());
        assert!(map("export default null; export const a = 1;").is_some());
        std::fs::write(
            folder.path().join("open.js"),
            "export const open = () => document.open();",
        )
        .unwrap();
        assert!(map("import { open } from './open'; export const parse = (text) => open().parse(text);").is_none());
        let noop = "module.exports = function () {};\n";
        assert!(map(noop).is_some() && of(noop, true).is_none());
        let events = "module.exports = require('events').EventEmitter;";
        assert!(of(events, true).is_some());
        std::fs::write(
            folder.path().join("node.js"),
            "'use strict';\nmodule.exports = require('stream');\n",
        )
        .unwrap();
        assert!(map(events).is_some() && of(events, true).is_none());
    }
}
