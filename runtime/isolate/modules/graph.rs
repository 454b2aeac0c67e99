//! A worker's modules, as they were read from its project.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deno_core::url::Url;
use workerd_lite_ops::webassembly::OwnModules;

use super::confined::Confined;
use super::failure::ImportFailure;
use super::given::{Given, GivenModule};
use super::load::Loading;
use super::mocked::Mocked;
use super::module::{Confinement, Content, Module, SOURCE};
use super::nesting::on_deep_stack;
use super::node_modules::NodeModules;
use super::package::Packages;
use super::read::Reader;
use super::requirable::Requirable;
use super::scopes::Scopes;
use super::wasm_literals;
use crate::files_read;
use crate::isolate::StartupError;

/// All modules of one worker.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(super) main: Url,
    pub(super) modules: BTreeMap<String, Module>,
    pub(super) builtins: BTreeSet<String>,
    pub(super) node: NodeModules,
    /// Specifiers, by the module that imports them.
    pub(super) resolved: HashMap<(String, String), Result<Url, ImportFailure>>,
    /// Modules that only an `import()` reaches and that can not be had, by their URL and the type that was asked for.
    pub(super) failures: HashMap<(String, Option<String>), ImportFailure>,
    /// The files of those.
    pub(super) failed_files: BTreeSet<PathBuf>,
    pub(super) sha256: String,
    /// WebAssembly within its scripts.
    pub(super) wasm: OwnModules,
    pub(super) requirable: Arc<Requirable>,
    /// What a test has put in the place of modules.
    pub(super) mocked: Mocked,
}

impl Graph {
    /// Reads `main` and all that it imports.
    pub fn load(main: &Path, confinement: &Confinement) -> Result<Self, StartupError> {
        on_deep_stack(|| Self::load_here(main, confinement))
            .map_err(|error| StartupError::new(format!("no stack can be had to read modules: {error}")))?
    }

    /// The same, on this thread: its stack is to be large.
    pub(super) fn load_here(main: &Path, confinement: &Confinement) -> Result<Self, StartupError> {
        let root = confinement.root.canonicalize().map_err(|error| {
            StartupError::new(format!(
                "the folder {} can not be read: {error}",
                confinement.root.display()
            ))
        })?;
        files_read::note(main);
        let path = main.canonicalize().map_err(|error| {
            StartupError::new(format!("the script {} can not be read: {error}", main.display()))
                .with_help("Give the path of a JavaScript module: workerd-lite serve worker.js")
        })?;
        let confined = Confined::new(confinement, &root)
            .map_err(|error| StartupError::new(format!("the worker's folder can not be read: {error}")))?;
        let reader = Reader {
            packages: Packages::new(&root, confinement.node.are_all()),
            scopes: Scopes::new(&root),
            root,
            confined,
            node: confinement.node,
            bundling: &confinement.bundling,
            main: path.clone(),
            bytes: Cell::new(0),
        };
        let main = reader.url(&path).ok_or_else(|| {
            StartupError::new(format!(
                "the script {} is outside of its project's folder {}",
                path.display(),
                reader.root.display()
            ))
        })?;
        Self::loaded(Loading::new(&reader, &main)?, main, reader.node)
    }

    /// Takes modules that are given, with all that they import of each other. `node`: which of Node's modules are there. Fails too
    /// where there is no module called `main`.
    pub(crate) fn given(modules: Vec<GivenModule>, main: &str, node: NodeModules) -> Result<Self, StartupError> {
        let given = Given::new(modules, node).map_err(StartupError::new)?;
        let url = given
            .url(main)
            .ok_or_else(|| StartupError::new(format!("mainModule: there is no module {main:?} among `modules`")))?;
        Self::loaded(Loading::new(&given, &url)?, url, node)
    }

    fn loaded(loading: Loading<'_>, main: Url, node: NodeModules) -> Result<Self, StartupError> {
        let mut loaded = loading.run()?;
        let requirable = Arc::new(loaded.requirable());
        Ok(Self {
            sha256: digest(&main, &loaded.modules),
            wasm: wasm_literals::find(&loaded.modules),
            main,
            modules: loaded.modules,
            builtins: loaded.builtins,
            node,
            resolved: loaded.resolved,
            failures: loaded.failures,
            failed_files: loaded.failed_files,
            requirable,
            mocked: Mocked::default(),
        })
    }

    /// What stands for modules that nobody has read yet.
    pub(crate) fn unread() -> Result<Arc<Self>, StartupError> {
        let main = Url::parse("file:///unread").map_err(|error| StartupError::new(error.to_string()))?;
        Ok(Arc::new(Self {
            main,
            modules: BTreeMap::new(),
            builtins: BTreeSet::new(),
            node: NodeModules::None,
            resolved: HashMap::new(),
            failures: HashMap::new(),
            failed_files: BTreeSet::new(),
            sha256: String::new(),
            wasm: OwnModules::new(std::iter::empty()),
            requirable: Arc::default(),
            mocked: Mocked::default(),
        }))
    }

    /// What a specifier names in a module, where the module imports it by a literal name.
    pub fn resolved(&self, specifier: &str, referrer: &Url) -> Option<&Result<Url, ImportFailure>> {
        self.resolved.get(&(referrer.to_string(), specifier.to_owned()))
    }

    /// Every import that can be followed: who imports, by which name, and what.
    pub(super) fn edges(&self) -> impl Iterator<Item = (&str, &str, &Url)> {
        self.resolved.iter().filter_map(|((referrer, specifier), target)| {
            let target = target.as_ref().ok()?;
            Some((referrer.as_str(), specifier.as_str(), target))
        })
    }

    /// Why the import of a module as a type fails.
    pub(in crate::isolate) fn failure(&self, url: &Url, kind: Option<&str>) -> Option<&ImportFailure> {
        self.failures.get(&(url.to_string(), kind.map(ToOwned::to_owned)))
    }

    /// The modules of ours that are imported, for example `cloudflare:workers`.
    pub fn builtins(&self) -> impl Iterator<Item = &str> {
        self.builtins.iter().map(String::as_str)
    }

    /// Whether all of Node's modules are there, and its globals.
    pub fn has_node(&self) -> bool {
        self.node.are_all()
    }

    /// Which of Node's modules are there.
    pub fn node(&self) -> NodeModules {
        self.node
    }

    /// SHA-256 over every module's path and content, the main one's path first, in lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// WebAssembly that stands in its scripts as text.
    pub fn wasm(&self) -> &OwnModules {
        &self.wasm
    }

    /// The URL of the main module.
    pub fn main(&self) -> &Url {
        &self.main
    }

    /// Whether the main module seems to have listeners of events in the place of exports, as service workers do.
    pub(in crate::isolate) fn listens(&self) -> bool {
        let text = self.by_url(self.main.as_str()).map_or("", Module::text);
        text.contains("addEventListener(") && !text.contains("export")
    }

    /// The main module's path within the project.
    pub fn main_name(&self) -> &str {
        self.by_url(self.main.as_str())
            .map_or("the worker", |module| &module.name)
    }

    /// A module by the URL of its source.
    pub(in crate::isolate) fn by_source(&self, url: &Url) -> Option<&Module> {
        if url.fragment() != Some(SOURCE) {
            return None;
        }
        let mut whole = url.clone();
        whole.set_fragment(None);
        self.by_url(whole.as_str())
    }

    /// A module by its URL.
    pub fn by_url(&self, url: &str) -> Option<&Module> {
        self.modules.get(url)
    }

    /// What a module's author wrote, by its URL.
    pub fn written(&self, url: &str) -> Option<&[u8]> {
        Some(self.by_url(url)?.bytes())
    }

    /// Every module.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    /// Every module with its URL.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Module)> {
        self.modules.iter().map(|(url, module)| (url.as_str(), module))
    }

    /// The files that the modules were read from, and those of modules that fail.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let modules = self.modules.values().map(|module| module.path.as_path());
        modules.chain(self.failed_files.iter().map(PathBuf::as_path))
    }
}

fn digest(main: &Url, modules: &BTreeMap<String, Module>) -> String {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    let mut feed = |bytes: &[u8]| {
        // Lengths keep one module's end from being read as the next one's start.
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    feed(main.as_str().as_bytes());
    for (url, module) in modules {
        let kind = match &module.content {
            Content::Script(_) => "script",
            Content::Json(_) => "json",
            Content::Text(_) => "text",
            Content::Wasm(_) => "wasm",
            Content::Data(_) => "data",
        };
        feed(url.as_bytes());
        feed(kind.as_bytes());
        feed(module.bytes());
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn load(root: &Path, main: &str, forbidden: &[&str]) -> Result<Graph, String> {
        let confinement = Confinement {
            root: root.to_owned(),
            forbidden: forbidden
                .iter()
                .map(|name| root.join(name).canonicalize().unwrap())
                .collect(),
            ..Confinement::default()
        };
        Graph::load(&root.join(main), &confinement).map_err(|error| error.to_string())
    }

    #[test]
    fn relative_imports_json_and_text_are_read() {
        let folder = project(&[
            (
                "src/main.js",
                "import a from '../lib/a.js'; import j from './j.json'; import('./t.txt'); import('./absent.js');",
            ),
            ("lib/a.js", "export default 1"),
            ("src/j.json", "{}"),
            ("src/t.txt", "hello"),
        ]);
        let graph = load(folder.path(), "src/main.js", &[]).unwrap();
        let names: Vec<_> = graph.modules.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "file:///lib/a.js",
                "file:///src/j.json",
                "file:///src/main.js",
                "file:///src/t.txt"
            ]
        );
    }

    #[test]
    fn an_agent_reads_neither_the_policy_nor_what_is_outside() {
        let outside = project(&[("secret.txt", "s")]);
        let folder = project(&[
            ("policy.js", "export default {}"),
            ("a.js", "import './policy.js'"),
            ("b.js", "import './link.txt'"),
            ("c.js", "import '../../../../../../etc/hostname' with { type: 'text' }"),
            (".dev.vars", "A=1"),
            ("d.js", "import './.dev.vars'"),
            ("e.js", "import './.dev.vars' with { type: 'text' }"),
            (".workerd-lite/identity/key.pem", "k"),
            (
                "f.js",
                "import key from './.workerd-lite/identity/key.pem' with { type: 'text' }",
            ),
            ("g.js", "import './certs/agent.key' with { type: 'text' }"),
            ("certs/agent.key", "k"),
        ]);
        std::os::unix::fs::symlink(outside.path().join("secret.txt"), folder.path().join("link.txt")).unwrap();
        assert!(
            load(folder.path(), "a.js", &["policy.js"])
                .unwrap_err()
                .contains("may not read")
        );
        for hidden in ["e.js", "f.js"] {
            assert!(load(folder.path(), hidden, &[]).unwrap_err().contains("hidden"));
        }
        assert!(load(folder.path(), "g.js", &["certs/agent.key"]).is_err());
        assert!(load(folder.path(), "b.js", &[]).unwrap_err().contains("link out of"));
        assert!(load(folder.path(), "c.js", &[]).unwrap_err().contains("etc/hostname"));
        assert!(load(folder.path(), "d.js", &[]).unwrap_err().contains("hidden"));
    }
}
