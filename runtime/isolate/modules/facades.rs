//! What the graph says of its CommonJS modules, once all of them were read: the names that imports of them have.

use std::collections::{BTreeSet, HashMap};

use deno_core::url::Url;

use super::commonjs::{LOADER, node_url};
use super::exports::Exports;
use super::load::Loading;
use super::requirable::{Names, Requirable, bundle_name};

impl Loading<'_> {
    /// Names every file, and gives CommonJS modules the exports that imports have of them.
    pub(super) fn requirable(&mut self) -> Requirable {
        let mut exports = self.exported();
        for (target, file, importer, import) in &self.importers {
            let Some(names) = exports.get_mut(target.as_str()) else {
                continue;
            };
            // Whatever is imported by name is there.
            names
                .imported
                .extend(import.names.iter().chain(&import.members).cloned());
            if !import.source && self.reader.is_node_module(file) {
                let edge = self.resolved.get_mut(&(importer.to_string(), import.specifier.clone()));
                // What the same file requires by that specifier may be another file.
                if let Some(Ok(resolved)) = edge.filter(|edge| edge.as_ref().is_ok_and(|found| found == target)) {
                    *resolved = node_url(target);
                }
            }
        }
        let uses_loader = !exports.is_empty();
        if uses_loader {
            self.builtins.insert(LOADER.to_owned());
        }
        let failed = self.failures.keys().map(|(url, _)| url);
        let urls = self.modules.keys().chain(failed).filter_map(|url| {
            let name = bundle_name(&Url::parse(url).ok()?)?;
            Some((name, url.clone()))
        });
        Requirable {
            urls: urls.collect(),
            exports,
            edges: std::mem::take(&mut self.required),
            packages: self.reader.packages(),
        }
    }

    /// The names that each CommonJS module exports, those of modules that it exports whole included.
    fn exported(&self) -> HashMap<String, Names> {
        let mut all = HashMap::new();
        for url in self.commonjs.keys() {
            let (mut names, mut seen, mut next) = (Names::default(), BTreeSet::new(), vec![url]);
            while let Some(url) = next.pop() {
                let Some(exports) = self.commonjs.get(url).filter(|_| seen.insert(url)) else {
                    continue;
                };
                names.found.extend(exports.names.iter().cloned());
                names.others.extend(exports.others.iter().cloned());
                next.extend(self.targets(url, exports));
            }
            all.insert(url.to_string(), names);
        }
        all
    }

    fn targets<'a>(&'a self, url: &'a Url, exports: &'a Exports) -> impl Iterator<Item = &'a Url> {
        let edges = exports
            .from
            .iter()
            .map(move |specifier| (url.to_string(), specifier.clone()));
        edges.filter_map(move |edge| self.required.get(&edge)?.as_ref().ok())
    }
}
