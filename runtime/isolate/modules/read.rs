//! Reads modules from a project's folder, within its confinement.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deno_core::url::Url;
use workerd_lite_ops::webassembly::memories;

use super::module::{Confinement, Content, Module};
use super::package::{Packages, is_relative};
use super::parse::Import;
use super::resolve::{ResolveError, resolve};
use crate::isolate::StartupError;

pub(super) struct Reader<'a> {
    pub(super) root: PathBuf,
    pub(super) confinement: &'a Confinement,
    pub(super) packages: Packages,
}

impl Reader<'_> {
    pub(super) fn url(&self, path: &Path) -> Option<Url> {
        let relative = path.strip_prefix(&self.root).ok()?;
        Url::from_file_path(Path::new("/").join(relative)).ok()
    }

    fn path(&self, url: &Url) -> Option<PathBuf> {
        let path = url.to_file_path().ok()?;
        Some(self.root.join(path.strip_prefix("/").ok()?))
    }

    fn name(&self, url: &Url) -> String {
        self.path(url)
            .and_then(|path| Some(path.strip_prefix(&self.root).ok()?.display().to_string()))
            .unwrap_or_else(|| url.to_string())
    }

    /// What one import names, read where it was not `seen` with this type. Nothing for an `import()` that will fail by
    /// itself if it is ever run.
    pub(super) fn follow(
        &self,
        module: &Module,
        source: &str,
        referrer: &Url,
        import: &Import,
        seen: &mut HashSet<(Url, Option<String>)>,
    ) -> Result<Option<(Url, Option<Module>)>, StartupError> {
        let found = self.resolve(module, &import.specifier, referrer).and_then(|url| {
            let key = (url, import.kind.clone());
            if seen.contains(&key) {
                return Ok((key.0, None));
            }
            let read = self.read(&key.0, import.kind.as_deref())?;
            seen.insert(key.clone());
            Ok((key.0, Some(read)))
        });
        match found {
            Ok(found) => Ok(Some(found)),
            Err(_) if import.dynamic => Ok(None),
            Err(message) => Err(StartupError::new(message).at(
                &module.name,
                source,
                import.span.clone(),
                Some("imported here".to_owned()),
            )),
        }
    }

    fn resolve(&self, module: &Module, specifier: &str, referrer: &Url) -> Result<Url, String> {
        let by_url = resolve(specifier, referrer);
        match by_url {
            // A file that is named in full needs no rules.
            Ok(url) if self.path(&url).is_some_and(|path| path.is_file()) => Ok(url),
            Ok(url) if !is_relative(specifier) => Ok(url),
            Ok(_) | Err(ResolveError::Bare(_)) => {
                let path = self.packages.resolve(&module.path, specifier)?;
                self.url(&path).ok_or_else(|| {
                    format!(
                        "{specifier:?} can not be imported: {} is outside of the project's folder {}",
                        path.display(),
                        self.root.display()
                    )
                })
            }
            Err(error) => Err(error.to_string()),
        }
    }

    pub(super) fn read(&self, url: &Url, kind: Option<&str>) -> Result<Module, String> {
        let name = self.name(url);
        let missing = |why: &dyn std::fmt::Display| format!("{name} can not be imported: {why}");
        let path = self.path(url).ok_or_else(|| missing(&"it is no path"))?;
        let path = path.canonicalize().map_err(|error| missing(&error))?;
        if !path.starts_with(&self.root) {
            return Err(missing(&format!(
                "it is a link out of the project's folder {}",
                self.root.display()
            )));
        }
        let forbidden = |file: &PathBuf| path.starts_with(file);
        if self.confinement.forbidden.iter().any(forbidden) {
            return Err(missing(&"it belongs to the owner, and workers may not read it"));
        }
        // Secrets and keys are kept in such files; package managers keep packages there.
        let within = path.strip_prefix(&self.root).unwrap_or(&path);
        let mut above = std::ffi::OsStr::new("");
        for part in within {
            if part.as_encoded_bytes().starts_with(b".") && above != "node_modules" {
                return Err(missing(&"hidden files are no modules"));
            }
            above = part;
        }
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let bytes = || std::fs::read(&path).map_err(|error| missing(&error));
        let text = || std::fs::read_to_string(&path).map_err(|error| missing(&error));
        let content = match (kind, extension) {
            (Some("text"), _) | (None, "txt" | "html" | "sql") => Content::Text(text()?),
            (Some("json"), _) | (None, "json") => Content::Json(text()?),
            (Some("bytes"), _) | (None, "bin") => Content::Data(bytes()?.into()),
            (None, "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "tsx") => Content::Script(text()?),
            (None, "wasm") => Content::Wasm(checked(bytes()?).map_err(|why| missing(&why))?),
            (None, _) => {
                return Err(missing(
                    &"its type is unknown: .js, .ts, .json, .txt, .html, .sql, .wasm and .bin can be imported, and others \
                      as text or as bytes",
                ));
            }
            (Some(kind), _) => return Err(missing(&format!("the import attribute type {kind:?} is not supported"))),
        };
        Ok(Module {
            name,
            path,
            content,
            original: None,
        })
    }
}

/// WebAssembly that workers may instantiate.
fn checked(bytes: Vec<u8>) -> Result<Arc<[u8]>, String> {
    let memories = memories(&bytes).map_err(|error| format!("it is no WebAssembly: {error}"))?;
    if memories.shared {
        return Err("its memory is shared, and workers share none".to_owned());
    }
    Ok(bytes.into())
}
