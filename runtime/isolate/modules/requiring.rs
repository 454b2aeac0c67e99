//! What `require()` finds among a graph's modules.

use deno_core::url::Url;
use workerd_lite_ops::node::require::{FileKind, ModuleFile, Named};

use super::commonjs::{self, BUNDLE, without_node};
use super::failure::ImportFailure;
use super::graph::Graph;
use super::module::{Content, Module, is_addon};
use super::requirable::bundle_name;
use super::resolve::is_builtin;
use super::search::{NotFound, Search, joined};

/// How long the names are that are looked for, in bytes: a search is not interrupted.
const LONGEST: usize = 1024;

impl Graph {
    /// What a module requires by a literal name.
    pub(super) fn required(&self, specifier: &str, referrer: &Url) -> Option<&Result<Url, ImportFailure>> {
        self.requirable.edges.get(&(referrer.to_string(), specifier.to_owned()))
    }

    /// Whether an ES module is in the place of a CommonJS one.
    pub(in crate::isolate) fn has_facade(&self, url: &Url) -> bool {
        self.requirable.exports.contains_key(without_node(url).0.as_str())
    }

    /// The ES module in the place of a CommonJS one.
    pub(in crate::isolate) fn facade(&self, url: &Url) -> Option<String> {
        let (plain, node) = without_node(url);
        let names = self.requirable.exports.get(plain.as_str())?;
        let mut all = &names.found | &names.imported;
        if !node {
            all.extend(names.others.iter().cloned());
        }
        Some(commonjs::facade(&bundle_name(&plain)?, &all, node))
    }

    /// A module by its name in `/bundle`, with its URL.
    pub(in crate::isolate) fn by_bundle_name(&self, name: &str) -> Option<(&str, &Module)> {
        let url = self.requirable.urls.get(name)?;
        Some((url, self.by_url(url)?))
    }

    /// The name that a path or a `file:` URL stands for.
    pub(in crate::isolate) fn bundle_origin(&self, from: &str) -> Option<String> {
        let of_url = Url::parse(from).ok().filter(|url| url.scheme() == "file");
        let is_url = of_url.is_some();
        let path = match of_url {
            Some(url) => url.to_file_path().ok()?.to_str()?.to_owned(),
            None => from.to_owned(),
        };
        if !path.starts_with('/') {
            return None;
        }
        let mut whole = joined("", &path);
        if path.ends_with('/') && whole.len() > 1 {
            whole.push('/');
        }
        // `import.meta.url` is a path from the project's folder on.
        let within = format!("/bundle{whole}");
        let is_within = is_url && self.requirable.urls.contains_key(&within);
        Some(if whole.starts_with(BUNDLE) && !is_within {
            whole
        } else {
            within
        })
    }

    /// What a specifier names in the file `from`. `tests`: whether modules may be mocked, and are tests' own.
    pub(in crate::isolate) fn require_named(&self, from: &str, specifier: &str, tests: bool) -> Named {
        let requirable = &self.requirable;
        let edge = requirable.urls.get(from).and_then(|url| {
            let edge = requirable.edges.get(&(url.clone(), specifier.to_owned()))?;
            edge.as_ref().ok()
        });
        let target = match edge {
            Some(target) => target.clone(),
            None => match self.found(from, specifier, tests) {
                Ok(target) => target,
                Err(NotFound::Missing) => return Named::Missing,
                Err(NotFound::NotExported(key, folder)) => {
                    return Named::NotExported(if key == "." {
                        format!("No \"exports\" main defined in {folder}/package.json")
                    } else {
                        format!("Package subpath '{key}' is not defined by \"exports\" in {folder}/package.json")
                    });
                }
                Err(NotFound::NotDefined(folder)) => {
                    return Named::NotDefined(format!(
                        "Package import specifier \"{specifier}\" is not defined in package {folder}/package.json imported from {from}"
                    ));
                }
            },
        };
        if self.failure(&target, None).is_some_and(|failure| !failure.is_syntax()) {
            return Named::Missing;
        }
        if let Some(number) = self.mock_number(&target).filter(|_| tests) {
            return Named::Mock(number);
        }
        match target.scheme() {
            "file" => bundle_name(&target).map_or(Named::Missing, Named::File),
            "node" if !tests || !is_builtin(target.as_str()) => Named::Node(target.into()),
            _ => Named::Builtin(target.into()),
        }
    }

    /// What a package's name that a script computes for `import()` means: what another module imports by it, or what `require()` would find.
    pub(in crate::isolate) fn imported_anywhere(&self, specifier: &str, referrer: &Url, tests: bool) -> Option<Url> {
        let others = self.edges().filter(|(_, named, _)| *named == specifier);
        if let Some(found) = others.map(|(_, _, target)| target).min() {
            return Some(found.clone());
        }
        let from = self.bundle_origin(referrer.as_str())?;
        match self.require_named(&from, specifier, tests) {
            Named::File(name) => Url::parse(self.by_bundle_name(&name)?.0).ok(),
            _ => None,
        }
    }

    fn found(&self, from: &str, specifier: &str, tests: bool) -> Result<Url, NotFound> {
        if from.len().max(specifier.len()) > LONGEST {
            return Err(NotFound::Missing);
        }
        let parsed = |text: &str| Url::parse(text).map_err(|_| NotFound::Missing);
        if is_builtin(specifier) && (tests || self.node().named(specifier).is_none()) {
            return parsed(specifier);
        }
        if let Some(node) = self.node().named(specifier) {
            return parsed(&node);
        }
        let requirable = &self.requirable;
        let search = Search {
            urls: &requirable.urls,
            packages: &requirable.packages,
        };
        let url = |name: String| requirable.urls.get(&name).and_then(|url| Url::parse(url).ok());
        match search.find(from, specifier) {
            Err(NotFound::Missing) if !specifier.starts_with(['.', '/', '#']) => {
                // As another module requires it.
                let edges = requirable.edges.iter();
                let other = edges.filter(|((_, named), _)| named == specifier);
                let other = other.filter_map(|(_, target)| target.as_ref().ok()).min();
                let found = other.cloned().or_else(|| search.anywhere(specifier).and_then(url));
                found.ok_or(NotFound::Missing)
            }
            found => url(found?).ok_or(NotFound::Missing),
        }
    }

    /// How a file is loaded.
    pub(in crate::isolate) fn module_file(&self, name: &str) -> Option<ModuleFile> {
        let url = self.requirable.urls.get(name)?;
        let file = |kind, failure| ModuleFile {
            kind,
            url: url.clone(),
            failure,
        };
        if let Some(failure) = Url::parse(url).ok().and_then(|url| self.failure(&url, None).cloned()) {
            let kind = if failure.is_syntax() {
                FileKind::Broken
            } else {
                FileKind::Unreadable
            };
            return Some(file(kind, Some(failure.to_string())));
        }
        let module = self.by_url(url)?;
        let kind = match &module.content {
            Content::Script(_) if module.commonjs => FileKind::CommonJs,
            Content::Script(_) if url.contains("?left-out=") => FileKind::Empty,
            Content::Script(_) => FileKind::Module,
            Content::Data(_) if is_addon(name) => FileKind::Addon,
            Content::Json(_) => FileKind::Json,
            Content::Text(_) | Content::Wasm(_) | Content::Data(_) => FileKind::Data,
        };
        Some(file(kind, None))
    }
}
