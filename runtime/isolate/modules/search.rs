//! Node's resolution of what is required by a computed name, among the files that were read at the start:
//! <https://nodejs.org/docs/latest-v22.x/api/modules.html#all-together>. Files have their names in `/bundle`.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::commonjs::BUNDLE;
use super::package::REQUIRE_CONDITIONS;
use super::scopes::Package;

/// What may be left out of a name, the first first.
const EXTENSIONS: [&str; 9] = [".js", ".json", ".cjs", ".mjs", ".ts", ".tsx", ".jsx", ".mts", ".cts"];

/// Packages within packages that `imports` and `main` may lead through.
const DEEPEST: usize = 8;

/// The files and packages of a worker.
pub(super) struct Search<'a> {
    /// URLs by names.
    pub(super) urls: &'a HashMap<String, String>,
    /// Every `package.json`, by its folder's path within the project.
    pub(super) packages: &'a BTreeMap<String, Package>,
}

/// Why there is no such file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotFound {
    /// Nothing has that name.
    Missing,
    /// A package's `exports` do not have it: the key, and the package's folder.
    NotExported(String, String),
    /// The `imports` of the package in this folder do not have it.
    NotDefined(String),
}

impl<'a> Search<'a> {
    /// The file that a specifier names in the file `from`.
    pub(super) fn find(&self, from: &str, specifier: &str) -> Result<String, NotFound> {
        self.find_within(from, specifier, DEEPEST)
    }

    fn find_within(&self, from: &str, specifier: &str, deepest: usize) -> Result<String, NotFound> {
        let deepest = deepest.checked_sub(1).ok_or(NotFound::Missing)?;
        let in_graph = |found: Option<String>| found.ok_or(NotFound::Missing);
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_folder = specifier.ends_with('/') || matches!(specifier.rsplit('/').next(), Some("." | ".."));
        if matches!(specifier, "." | "..") || specifier.starts_with("./") || specifier.starts_with("../") {
            return in_graph(self.path(&joined(folder, specifier), is_folder, deepest));
        }
        if specifier.starts_with('/') {
            let whole = joined("", specifier);
            let within = if whole.starts_with(BUNDLE) {
                whole
            } else {
                format!("/bundle{whole}")
            };
            return in_graph(self.path(&within, is_folder, deepest));
        }
        if specifier.starts_with('#') {
            let (folder, package) = self.nearest(folder).ok_or(NotFound::Missing)?;
            let target = package.get("imports").and_then(|imports| target_of(imports, specifier));
            let target = target.ok_or_else(|| NotFound::NotDefined(folder.clone()))?;
            return self.find_within(&format!("{folder}/package.json"), &target, deepest);
        }
        let (name, rest) = split(specifier).ok_or(NotFound::Missing)?;
        if let Some((own, package)) = self.nearest(folder) {
            if package["name"] == name && !package["exports"].is_null() {
                return self.in_package(&own, rest, deepest);
            }
        }
        let mut above = folder;
        loop {
            if !above.ends_with("/node_modules") {
                let there = format!("{above}/node_modules/{name}");
                if self.package(&there).is_some() {
                    return self.in_package(&there, rest, deepest);
                }
                if let Some(found) = self.path(&format!("{there}{rest}"), is_folder, deepest) {
                    return Ok(found);
                }
            }
            let next = above.rsplit_once('/').filter(|(above, _)| !above.is_empty());
            above = next.ok_or(NotFound::Missing)?.0;
        }
    }

    /// A package by its name, wherever it was installed: links to where it is are not followed here.
    pub(super) fn anywhere(&self, specifier: &str) -> Option<String> {
        let (name, rest) = split(specifier)?;
        let end = format!("node_modules/{name}");
        let folder = self.packages.keys().find(|folder| folder.ends_with(&end))?;
        self.in_package(&format!("{BUNDLE}{folder}"), rest, DEEPEST).ok()
    }

    fn package(&self, folder: &str) -> Option<&'a Value> {
        let within = if folder == BUNDLE.trim_end_matches('/') {
            ""
        } else {
            folder.strip_prefix(BUNDLE)?
        };
        self.packages.get(within).map(|package| &**package)
    }

    fn nearest(&self, folder: &str) -> Option<(String, &'a Value)> {
        let mut folder = folder;
        loop {
            if let Some(package) = self.package(folder) {
                return Some((folder.to_owned(), package));
            }
            folder = folder.rsplit_once('/')?.0;
        }
    }

    fn known(&self, name: String) -> Option<String> {
        self.urls.contains_key(&name).then_some(name)
    }

    fn path(&self, path: &str, is_folder: bool, deepest: usize) -> Option<String> {
        if !is_folder {
            let with = EXTENSIONS.iter().map(|extension| format!("{path}{extension}"));
            // The name that TypeScript's output would have.
            let source = path.strip_suffix(".js").into_iter();
            let source = source.flat_map(|stem| [format!("{stem}.ts"), format!("{stem}.tsx")]);
            let mut names = std::iter::once(path.to_owned()).chain(with).chain(source);
            if let Some(found) = names.find_map(|name| self.known(name)) {
                return Some(found);
            }
        }
        let deepest = deepest.checked_sub(1)?;
        let main = self.package(path).and_then(|package| package["main"].as_str());
        let main = main.and_then(|main| {
            let whole = joined(path, main);
            (whole != path).then(|| self.path(&whole, false, deepest)).flatten()
        });
        let index = || {
            EXTENSIONS
                .iter()
                .find_map(|extension| self.known(format!("{path}/index{extension}")))
        };
        main.or_else(index)
    }

    fn in_package(&self, folder: &str, rest: &str, deepest: usize) -> Result<String, NotFound> {
        let package = self.package(folder).ok_or(NotFound::Missing)?;
        let found = match &package["exports"] {
            Value::Null => self.path(&format!("{folder}{rest}"), rest.is_empty(), deepest),
            exports => {
                let key = format!(".{rest}");
                let target = target_of(exports, &key).ok_or_else(|| NotFound::NotExported(key, folder.to_owned()))?;
                let file = target.strip_prefix("./").map(|target| joined(folder, target));
                file.and_then(|file| self.known(file))
            }
        };
        found.ok_or(NotFound::Missing)
    }
}

/// The name of a package, and the rest of a specifier with its `/`.
fn split(specifier: &str) -> Option<(&str, &str)> {
    let from = if specifier.starts_with('@') {
        specifier.find('/')? + 1
    } else {
        0
    };
    let end = specifier.get(from..)?.find('/').map_or(specifier.len(), |at| from + at);
    let (name, rest) = specifier.split_at(end);
    (!name.is_empty() && !name.contains("..")).then_some((name, rest.trim_end_matches('/')))
}

/// A path from a folder on, without `.` and `..`.
pub(super) fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// What `exports` or `imports` has for a key: <https://nodejs.org/docs/latest-v22.x/api/esm.html#resolution-algorithm-specification>.
fn target_of(map: &Value, key: &str) -> Option<String> {
    let keyed = map
        .as_object()
        .filter(|map| map.keys().any(|key| key.starts_with(['.', '#'])));
    let Some(keyed) = keyed else {
        return (key == ".").then(|| chosen(map, ""))?;
    };
    if let Some(target) = keyed.get(key).filter(|_| !key.contains('*')) {
        return chosen(target, "");
    }
    let matching = keyed.iter().filter_map(|(pattern, target)| {
        let (before, after) = pattern.split_once('*')?;
        let star = key.strip_prefix(before)?.strip_suffix(after)?;
        (!star.is_empty()).then_some((before.len(), pattern.len(), star, target))
    });
    let (.., star, target) = matching.max_by_key(|(before, whole, ..)| (*before, *whole))?;
    chosen(target, star)
}

fn chosen(target: &Value, star: &str) -> Option<String> {
    match target {
        Value::String(target) => Some(target.replace('*', star)),
        Value::Array(targets) => targets.iter().find_map(|target| chosen(target, star)),
        Value::Object(conditions) => conditions
            .iter()
            .filter(|(condition, _)| REQUIRE_CONDITIONS.contains(&condition.as_str()))
            .find_map(|(_, target)| chosen(target, star)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn computed_names_are_found_as_nodes_algorithm_says() {
        let names = [
            "a.js",
            "a.json",
            "lib/index.js",
            "lib.js",
            "data.json",
            "node_modules/p/dist/m.js",
            "node_modules/p/dist/x.js",
            "node_modules/q/main/index.js",
            "node_modules/q/node_modules/p/index.js",
            "node_modules/@s/r/r.cjs",
            "t.ts",
        ];
        let urls = names
            .iter()
            .map(|name| (format!("/bundle/{name}"), format!("file:///{name}")))
            .collect();
        let package = |folder: &str, json: Value| (folder.to_owned(), Arc::new(json));
        let packages = BTreeMap::from([
            package(
                "",
                serde_json::json!({ "name": "own", "exports": { "./a": "./a.js" }, "imports": { "#p/*": "p/*", "#no": null } }),
            ),
            package(
                "node_modules/p",
                serde_json::json!({ "exports": { ".": [{ "import": "./none.js" }, "./dist/m.js"], "./*": { "node": "./none.js", "require": "./dist/*.js" }, "./secret/*": null } }),
            ),
            package("node_modules/q", serde_json::json!({ "main": "./main" })),
            package("node_modules/q/node_modules/p", serde_json::json!({})),
            package("node_modules/@s/r", serde_json::json!({ "main": "r.cjs" })),
        ]);
        let search = Search {
            urls: &urls,
            packages: &packages,
        };
        for (from, specifier, found) in [
            ("/bundle/w.js", "./a", Some("a.js")),
            ("/bundle/w.js", "./lib", Some("lib.js")),
            ("/bundle/w.js", "./lib/", Some("lib/index.js")),
            ("/bundle/lib/w.js", ".", Some("lib/index.js")),
            ("/bundle/lib/w.js", "..", None),
            ("/bundle/lib/w.js", "../data", Some("data.json")),
            ("/bundle/w.js", "/bundle/a.json", Some("a.json")),
            ("/bundle/w.js", "/a.json", Some("a.json")),
            ("/bundle/w.js", "./t.js", Some("t.ts")),
            ("/bundle/lib/w.js", "p", Some("node_modules/p/dist/m.js")),
            ("/bundle/w.js", "p/x", Some("node_modules/p/dist/x.js")),
            ("/bundle/w.js", "p/secret/x", None),
            ("/bundle/w.js", "#p/x", Some("node_modules/p/dist/x.js")),
            ("/bundle/w.js", "#no", None),
            ("/bundle/w.js", "own/a", Some("a.js")),
            ("/bundle/w.js", "q", Some("node_modules/q/main/index.js")),
            (
                "/bundle/node_modules/q/main/index.js",
                "p",
                Some("node_modules/q/node_modules/p/index.js"),
            ),
            ("/bundle/w.js", "@s/r", Some("node_modules/@s/r/r.cjs")),
            ("/bundle/w.js", "@s", None),
            ("/bundle/w.js", "../../../../bundle/a.js", Some("a.js")),
            ("/bundle/w.js", "../../../../etc/passwd", None),
            ("/bundle/w.js", "", None),
        ] {
            let expected = found.map(|found| format!("/bundle/{found}"));
            assert_eq!(search.find(from, specifier).ok(), expected, "{specifier} from {from}");
        }
    }
}
