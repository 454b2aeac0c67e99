//! Reads modules from a project's folder, within its confinement.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deno_core::url::Url;
use workerd_lite_ops::webassembly::{LONGEST, TOO_LONG, memories};

use super::built::{self, Built, Link};
use super::bundling::{Bundling, FileType};
use super::confined::{Confined, Outside, Wanted};
use super::failure::Refusal;
use super::import::{Asked, Import};
use super::module::{Content, Module};
use super::node_modules::NodeModules;
use super::package::{Found, Packages, not_found};
use super::relative::{beside, is_relative};
use super::resolve::{ResolveError, resolve};
use super::scopes::Scopes;
use crate::{bounded_file, files_read};

/// What files are read as that no script imports: [`Loading::data_files`](super::load::Loading).
pub(super) const DATA: &str = "data";

pub(super) struct Reader<'a> {
    pub(super) root: PathBuf,
    pub(super) confined: Confined<'a>,
    pub(super) packages: Packages,
    pub(super) scopes: Scopes,
    /// Whether Node's modules are there.
    pub(super) node: NodeModules,
    /// What its project says of imports.
    pub(super) bundling: &'a Bundling,
    /// The file that is read first, which is a script whatever that says.
    pub(super) main: PathBuf,
    /// How many bytes were read so far.
    pub(super) bytes: Cell<u64>,
}

/// What an import names.
pub(super) enum Target {
    File(Url),
    /// An empty module, for what the `package.json` at this path leaves out of workers.
    LeftOut(Url, PathBuf),
    /// One of Node's modules, with `node:`.
    Node(Url),
}

impl Reader<'_> {
    pub(super) fn url(&self, path: &Path) -> Option<Url> {
        let relative = path.strip_prefix(&self.root).ok()?;
        Url::from_file_path(Path::new("/").join(relative)).ok()
    }

    pub(super) fn path(&self, url: &Url) -> Option<PathBuf> {
        let path = url.to_file_path().ok()?;
        Some(self.root.join(path.strip_prefix("/").ok()?))
    }

    fn name(&self, url: &Url) -> String {
        self.path(url)
            .and_then(|path| Some(path.strip_prefix(&self.root).ok()?.display().to_string()))
            .unwrap_or_else(|| url.to_string())
    }

    /// What a module's specifier names.
    pub(super) fn resolve(
        &self,
        file: &Path,
        import: &Import,
        referrer: &Url,
        asked: Asked,
    ) -> Result<Target, Refusal> {
        let Some(alias) = self.bundling.alias(&import.specifier) else {
            return self.resolve_named(file, import, referrer, asked);
        };
        let aliased = Import {
            specifier: alias,
            ..import.clone()
        };
        if !is_relative(&aliased.specifier) {
            return self.resolve_named(file, &aliased, referrer, asked);
        }
        let from = self
            .bundling
            .folder
            .canonicalize()
            .unwrap_or_default()
            .join("package.json");
        let referrer = self.url(&from).ok_or_else(|| not_found(&import.specifier))?;
        self.resolve_named(&from, &aliased, &referrer, asked)
    }

    fn resolve_named(&self, file: &Path, import: &Import, referrer: &Url, asked: Asked) -> Result<Target, Refusal> {
        let specifier = import.specifier.as_str();
        if let Some(node) = self.node_module(specifier) {
            // A package may have put its own in this one's place. Another package would stand for what browsers have not.
            if self.packages.is_stood_for(file, specifier) {
                return Ok(Target::Node(node));
            }
            return match self.packages.mapped(file, specifier, asked) {
                None => Ok(Target::Node(node)),
                // What browsers have not is here, as in what wrangler bundles for such a worker.
                Some(Found::LeftOut(_)) => Ok(Target::Node(node)),
                Some(found) => self.target(found, specifier),
            };
        }
        let by_url = match resolve(specifier, referrer) {
            Ok(url) if is_relative(specifier) && beside(&self.root, file, specifier).is_some() => Some(url),
            // From the project's folder: `/lib/a.js`, and what `import.meta.resolve()` gave.
            Ok(url) => return self.at_root(url, specifier),
            Err(ResolveError::Bare(_)) => None,
            Err(error @ ResolveError::BuiltIn(_)) => {
                // A package may have put its own in this one's place.
                return match self.packages.resolve(file, import, asked) {
                    Ok(found) => self.target(found, specifier),
                    Err(_) => Err(error.to_string().into()),
                };
            }
            Err(error) => return Err(error.to_string().into()),
        };
        match self.packages.resolve(file, import, asked) {
            Ok(found) => self.target(found, specifier),
            // Its name may be written as in a URL.
            Err(refusal) => match by_url {
                Some(url) if specifier.contains('%') && self.is_file(&url) => Ok(Target::File(url)),
                _ => Err(refusal),
            },
        }
    }

    fn node_module(&self, specifier: &str) -> Option<Url> {
        let name = self.node.named(specifier)?;
        Url::parse(&name).ok()
    }

    fn is_file(&self, url: &Url) -> bool {
        self.path(url).is_some_and(|path| path.is_file())
    }

    fn at_root(&self, url: Url, specifier: &str) -> Result<Target, Refusal> {
        if self.is_file(&url) {
            return Ok(Target::File(url));
        }
        let within = self.path(&url).and_then(|path| {
            let within = path.strip_prefix(&self.root).ok()?.to_str()?.to_owned();
            let import = Import::named(format!("./{within}"));
            self.packages
                .resolve(&self.root.join("package.json"), &import, Asked::Import)
                .ok()
        });
        match within {
            Some(found) => self.target(found, specifier),
            None => Err(not_found(specifier)),
        }
    }

    fn target(&self, found: Found, specifier: &str) -> Result<Target, Refusal> {
        match found {
            Found::File(path, suffix) => match self.url(&path) {
                Some(url) if suffix.is_empty() || !is_relative(specifier) => Ok(Target::File(url)),
                Some(url) => Ok(Target::File(
                    url.join(&format!("{}{suffix}", url.path())).unwrap_or(url),
                )),
                None => {
                    let what = if is_relative(specifier) {
                        "it is a link out"
                    } else {
                        "it is outside"
                    };
                    Err(not_found(specifier).with_owners(format!(
                        "{specifier} can not be imported: {what} of the project's folder {}: {}",
                        self.root.display(),
                        path.display()
                    )))
                }
            },
            Found::LeftOut(folder) => {
                let package = folder.join("package.json");
                let mut url = self.url(&package).ok_or_else(|| not_found(specifier))?;
                url.set_query(Some(&format!("left-out={specifier}")));
                Ok(Target::LeftOut(url, package))
            }
        }
    }

    /// Reads a module as what its file's name or the import's `type` says.
    pub(super) fn read(&self, url: &Url, kind: Option<&str>) -> Result<Module, Refusal> {
        let name = self.name(url);
        let missing = |why: &dyn std::fmt::Display| -> Refusal { format!("{name} can not be imported: {why}").into() };
        let path = self.path(url).ok_or_else(|| missing(&"it is no path"))?;
        let wanted = match kind {
            None => Wanted::Module,
            Some(DATA) => Wanted::Read,
            Some(_) => Wanted::Data,
        };
        files_read::note(&path);
        let path = path.canonicalize().map_err(|_| missing(&"there is no such file"))?;
        if !path.starts_with(&self.root) {
            return Err(missing(&"there is no such file").with_owners(format!(
                "{name} can not be imported: it is a link out of the project's folder {}",
                self.root.display()
            )));
        }
        self.confined.check(&path, wanted).map_err(|outside| match outside {
            Outside::Folder => missing(&"there is no such file").with_owners(format!(
                "{name} can not be imported: it is outside of the agent's folder {}. Where that agent may read more, name the \
                 folder in its section: root = \"..\"",
                self.confined.folder().display()
            )),
            Outside::Owners => missing(&"it belongs to the owner, and workers may not read it"),
            Outside::Hidden => missing(&"hidden files are no modules"),
            Outside::Secret => missing(&"files of keys, secrets and settings are no modules"),
            Outside::Unlisted => missing(&"files of its type are no modules").with_owners(format!(
                "{name} can not be imported: files of its type are no modules. Where it is one, list it in workerd-lite.toml: \
                 modules = [\"{name}\"]"
            )),
        })?;
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let overlay = self.confined.overlay().filter(|overlay| overlay.path == path);
        let bytes = || self.whole(&path).map_err(|error| missing(&error));
        let read = || overlay.map_or_else(|| self.whole(&path), |overlay| Ok(overlay.text.clone().into_bytes()));
        let text = || match read().map(text_of) {
            Ok(text) => text.map_err(|why| missing(&why)),
            Err(error) => Err(missing(&error)),
        };
        let json = || json_of(&name, text()?);
        let within = path.strip_prefix(&self.bundling.folder);
        let within = within.or_else(|_| path.strip_prefix(&self.root)).unwrap_or(&path);
        let ruled = match kind {
            None if path != self.main => self.bundling.file_type(within),
            _ => None,
        };
        let content = match (kind, extension) {
            _ if ruled == Some(FileType::Text) => Content::Text(text()?),
            _ if ruled == Some(FileType::Data) => Content::Data(bytes()?.into()),
            _ if ruled == Some(FileType::Wasm) => Content::Wasm(checked(bytes()?).map_err(|why| missing(&why))?),
            (Some("text"), _) | (None, "txt" | "html" | "sql") => Content::Text(text()?),
            (Some("json"), _) | (None, "json") => Content::Json(json()?),
            (Some("bytes"), _) | (None, "bin") => Content::Data(bytes()?.into()),
            (None, "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx") => Content::Script(text()?),
            (None, "wasm") => Content::Wasm(checked(bytes()?).map_err(|why| missing(&why))?),
            (Some(DATA), _) => Content::Data(bytes()?.into()),
            // Machine code is known by its name alone.
            (None, "node") if name.contains("node_modules/") => Content::Data(Arc::default()),
            (None, _) => {
                return Err(missing(
                    &"its type is unknown: .js, .ts, .json, .txt, .html, .sql, .wasm and .bin can be imported, and others \
                      as text or as bytes",
                ));
            }
            (Some(kind), _) => return Err(missing(&format!("the import attribute type {kind:?} is not supported"))),
        };
        let built = match &content {
            Content::Script(script) => self.built(url, &name, script),
            _ => None,
        };
        Ok(Module {
            name,
            path,
            content,
            commonjs: false,
            original: None,
            built: built.map(Arc::new),
        })
    }
}

/// What one file may have, and all files of a worker together, in MiB. V8's longest string has about 512, and a text is escaped
/// for it.
const LARGEST: u64 = 64;
const TOGETHER: u64 = 256;

impl Reader<'_> {
    /// The map of a script that was built, where maps are wanted and it has one that the worker may read.
    fn built(&self, url: &Url, name: &str, script: &str) -> Option<Built> {
        if !self.bundling.maps || name.contains("node_modules/") {
            return None;
        }
        let json = match Link::of(script)? {
            Link::Inline(json) => json,
            Link::File(link) => {
                let path = self.path(&url.join(link).ok()?)?;
                files_read::note(&path);
                let path = path.canonicalize().ok()?;
                self.confined.check(&path, Wanted::Module).ok()?;
                bounded_file::read_to_string(&path, built::LARGEST).ok()?
            }
        };
        Built::of(name, json)
    }

    /// A file's bytes, within what modules may have.
    fn whole(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        let bytes = bounded_file::read(path, LARGEST << 20)?;
        let size = bytes.len() as u64;
        let read = self.bytes.get() + size;
        self.bytes.set(read);
        if read > TOGETHER << 20 {
            return Err(std::io::Error::other(format!(
                "the worker's modules are together larger than {TOGETHER} MiB"
            )));
        }
        Ok(bytes)
    }
}

/// A file's text, or why it has none.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, &'static str> {
    String::from_utf8(bytes)
        .map(without_mark)
        .map_err(|_| "it is not UTF-8")
}

/// A text that is JSON.
pub(super) fn json_of(name: &str, text: String) -> Result<String, Refusal> {
    match json_error(&text) {
        Some(why) => Err(Refusal::syntax(format!("{name} is not valid JSON: {why}"))),
        None => Ok(text),
    }
}

/// A text without its byte-order mark.
fn without_mark(mut text: String) -> String {
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    text
}

/// What is wrong with JSON. V8 judges what is nested too deeply to be seen here.
fn json_error(text: &str) -> Option<String> {
    let why = serde_json::from_str::<serde::de::IgnoredAny>(text).err()?.to_string();
    (!why.starts_with("recursion limit")).then_some(why)
}

/// WebAssembly that workers may instantiate.
pub(super) fn checked(bytes: Vec<u8>) -> Result<Arc<[u8]>, String> {
    let memories = memories(&bytes).map_err(|error| format!("it is no WebAssembly: {error}"))?;
    if memories.shared {
        return Err("its memory is shared, and workers share none".to_owned());
    }
    if memories.longest > LONGEST {
        return Err(TOO_LONG.to_owned());
    }
    Ok(bytes.into())
}
