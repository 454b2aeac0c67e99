//! Modules that are given as texts: those of a worker that another one loads. No file of the machine is read for them, whatever they
//! import.
//!
//! Names are paths: a relative name is seen from the folder of the module that imports it, as is one without a scheme, which may
//! also be whole. Nothing of them is decoded as URLs are: <https://developers.cloudflare.com/workers/runtime-apis/bindings/worker-loader/>.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deno_core::url::Url;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compiler::CompilerOptions;
use super::failure::{Refusal, Rejected};
use super::import::{Asked, Import};
use super::module::{Content, Module};
use super::node_modules::NodeModules;
use super::parse::{Parsed, parse};
use super::read::{Target, checked, json_of, text_of};
use super::resolve::resolve;
use super::scopes::{Format, Package};
use super::source::Source;

/// The longest name of a module, in bytes.
const LONGEST_NAME: usize = 512;

/// What a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GivenKind {
    /// An ES module.
    Script,
    /// A CommonJS module.
    CommonJs,
    /// An ES module of TypeScript.
    TypeScript,
    Text,
    Data,
    Json,
    Wasm,
}

/// One module: its name, what it is, and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct GivenModule {
    pub(crate) name: String,
    pub(crate) kind: GivenKind,
    pub(crate) bytes: Arc<[u8]>,
}

/// All modules of one worker, by name.
pub(super) struct Given {
    modules: BTreeMap<String, (GivenKind, Arc<[u8]>)>,
    /// Which of Node's modules are there.
    node: NodeModules,
}

impl Given {
    /// Fails with what is wrong with a name.
    pub(super) fn new(modules: Vec<GivenModule>, node: NodeModules) -> Result<Self, String> {
        let mut given = BTreeMap::new();
        for GivenModule { name, kind, bytes } in modules {
            if !is_name(&name) {
                return Err(format!(
                    "modules: {name:?} is no name of a module: expected a path such as \"lib/a.js\", without \"..\", of at most \
                     {LONGEST_NAME} bytes"
                ));
            }
            given.insert(name, (kind, bytes));
        }
        Ok(Self { modules: given, node })
    }

    /// The URL of a module of this name.
    pub(super) fn url(&self, name: &str) -> Option<Url> {
        self.modules.contains_key(name).then(|| url(name)).flatten()
    }

    fn name_of(file: &Path) -> &str {
        file.to_str().unwrap_or_default().trim_start_matches('/')
    }

    fn node_module(&self, specifier: &str) -> Option<Target> {
        let name = self.node.named(specifier)?;
        Url::parse(&name).ok().map(Target::Node)
    }

    /// The module that a specifier names, seen from another.
    fn named(&self, from: &str, specifier: &str) -> Option<Target> {
        let folder = match from.rsplit_once('/') {
            Some((folder, _)) if !specifier.starts_with('/') => folder,
            _ => "",
        };
        let beside = joined(folder, specifier).filter(|name| self.modules.contains_key(name));
        let is_relative = specifier.starts_with(['.', '/']);
        let whole = || (!is_relative && self.modules.contains_key(specifier)).then(|| specifier.to_owned());
        url(&beside.or_else(whole)?).map(Target::File)
    }
}

/// Whether a module may have this name: it is a path as it stands.
fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && !name.contains(['\0', '\\'])
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// A path seen from a folder. Nothing where it leads out of all.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn url(name: &str) -> Option<Url> {
    Url::from_file_path(Path::new("/").join(name)).ok()
}

impl Source for Given {
    fn resolve(&self, file: &Path, import: &Import, referrer: &Url, _asked: Asked) -> Result<Target, Refusal> {
        let specifier = import.specifier.as_str();
        if specifier.starts_with("node:") {
            if let Some(node) = self.node_module(specifier) {
                return Ok(node);
            }
        }
        let found = self.named(Self::name_of(file), specifier);
        if let Some(found) = found.or_else(|| self.node_module(specifier)) {
            return Ok(found);
        }
        Err(match resolve(specifier, referrer) {
            Err(error) if specifier.contains(':') => error.to_string().into(),
            _ => format!(
                "{specifier:?} can not be imported: no module of that name is given, seen from {:?}",
                Self::name_of(file)
            )
            .into(),
        })
    }

    fn read(&self, url: &Url, kind: Option<&str>) -> Result<Module, Refusal> {
        use GivenKind::{CommonJs, Data, Json, Script, Text, TypeScript, Wasm};
        let path = self.path(url).unwrap_or_default();
        let name = Self::name_of(&path).to_owned();
        let refused = |why: &str| -> Refusal { format!("{name} can not be imported: {why}").into() };
        let Some((given, bytes)) = self.modules.get(&name) else {
            return Err(refused("no module of that name is given"));
        };
        let text = || text_of(bytes.to_vec()).map_err(refused);
        let json = || json_of(&name, text()?);
        let content = match (kind, given) {
            (Some("text"), _) | (None, Text) => Content::Text(text()?),
            (Some("json"), _) | (None, Json) => Content::Json(json()?),
            (Some("bytes"), _) | (None, Data) => Content::Data(Arc::clone(bytes)),
            (None, Script | CommonJs | TypeScript) => Content::Script(text()?),
            (None, Wasm) => Content::Wasm(checked(bytes.to_vec()).map_err(|why| refused(&why))?),
            (Some(kind), _) => {
                return Err(refused(&format!("the import attribute type {kind:?} is not supported")));
            }
        };
        Ok(Module {
            name,
            path,
            content,
            commonjs: false,
            original: None,
            built: None,
        })
    }

    fn path(&self, url: &Url) -> Option<PathBuf> {
        url.to_file_path().ok()
    }

    /// What an agent gives is in no cache: it would fill it.
    fn parse(&self, module: &Module, source: &str) -> Result<Parsed, Rejected> {
        let kind = self.modules.get(Self::name_of(&module.path)).map(|(kind, _)| *kind);
        let format = match kind {
            Some(GivenKind::CommonJs) => Format::CommonJs,
            _ => Format::Module,
        };
        let is_typescript = |name: &str| {
            let extension = Path::new(name).extension();
            extension.is_some_and(|extension| ["ts", "mts", "tsx"].iter().any(|known| extension == *known))
        };
        let parsed = if kind == Some(GivenKind::TypeScript) && !is_typescript(&module.name) {
            parse(
                &format!("{}.ts", module.name),
                source,
                format,
                &CompilerOptions::default(),
            )
        } else {
            parse(&module.name, source, format, &CompilerOptions::default())
        };
        parsed.map_err(Rejected::Syntax)
    }

    fn entries(&self, file: &Path, folder: &str) -> Vec<String> {
        let from = Self::name_of(file);
        let Some(folder) = joined(from.rsplit_once('/').map_or("", |(folder, _)| folder), folder) else {
            return Vec::new();
        };
        let within = self.modules.keys().filter_map(|name| {
            let rest = if folder.is_empty() {
                name
            } else {
                name.strip_prefix(&folder)?.strip_prefix('/')?
            };
            Some(rest.split('/').next()?.to_owned())
        });
        let mut names: Vec<String> = within.collect();
        names.dedup();
        names
    }

    fn is_node_module(&self, file: &Path) -> bool {
        let kind = self.modules.get(Self::name_of(file)).map(|(kind, _)| *kind);
        kind != Some(GivenKind::CommonJs)
    }

    fn packages(&self) -> BTreeMap<String, Package> {
        let packages = self.modules.iter().filter_map(|(name, (kind, bytes))| {
            let folder = name.strip_suffix("package.json")?;
            let value: Value = serde_json::from_slice(bytes)
                .ok()
                .filter(|_| *kind == GivenKind::Json)?;
            Some((folder.trim_end_matches('/').to_owned(), Arc::new(value)))
        });
        packages.collect()
    }

    fn has_node(&self) -> bool {
        self.node.are_all()
    }

    fn further(&self) -> Vec<Url> {
        self.modules.keys().filter_map(|name| url(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths_and_lead_nowhere_else() {
        for name in [
            "",
            ".",
            "..",
            "../a.js",
            "a/../b.js",
            "/a.js",
            "a//b.js",
            "a/",
            "./a.js",
            "a\\b",
            "a\0",
        ] {
            assert!(!is_name(name), "{name:?}");
        }
        for name in ["a.js", "lib/a.js", "a%2fb.js", "etc/passwd", "a b", "#a?b"] {
            assert!(is_name(name), "{name:?}");
        }
        assert_eq!(joined("lib", "../../etc/passwd"), None);
        assert_eq!(joined("lib", "../a.js").as_deref(), Some("a.js"));
        assert_eq!(joined("lib", "./%2e%2e/a.js").as_deref(), Some("lib/%2e%2e/a.js"));
    }
}
