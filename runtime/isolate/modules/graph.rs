//! Reads a worker's modules from its project, following every import with a literal name.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use deno_core::url::Url;

use super::module::{Confinement, Content, Module, Original};
use super::package::Packages;
use super::parse::{Jsx, parsed};
use super::read::Reader;
use super::resolve::is_builtin;
use crate::isolate::StartupError;

/// The fragment of a URL that names a module's source: what `import source` gives of WebAssembly.
pub(in crate::isolate) const SOURCE: &str = "source";

/// All modules of one worker.
#[derive(Debug, Clone)]
pub struct Graph {
    main: Url,
    modules: BTreeMap<String, Module>,
    builtins: BTreeSet<String>,
    /// Specifiers that are no URL, by the module that imports them.
    resolved: HashMap<(String, String), Url>,
    sha256: String,
}

/// A module that was read, and is to be parsed.
pub(super) struct Job {
    pub(super) url: Url,
    pub(super) module: Module,
    /// Whether an attribute says what it is read as.
    pub(super) typed: bool,
}

impl Graph {
    /// Reads `main` and all that it imports.
    pub fn load(main: &Path, confinement: &Confinement) -> Result<Self, StartupError> {
        let root = confinement.root.canonicalize().map_err(|error| {
            StartupError::new(format!(
                "the folder {} can not be read: {error}",
                confinement.root.display()
            ))
        })?;
        let path = main.canonicalize().map_err(|error| {
            StartupError::new(format!("the script {} can not be read: {error}", main.display()))
                .with_help("Give the path of a JavaScript module: workerd-lite serve worker.js")
        })?;
        let reader = Reader {
            root,
            confinement,
            packages: Packages::new(),
        };
        let main = reader.url(&path).ok_or_else(|| {
            StartupError::new(format!(
                "the script {} is outside of its project's folder {}",
                path.display(),
                reader.root.display()
            ))
        })?;
        let mut modules = BTreeMap::new();
        let mut builtins = BTreeSet::new();
        let mut resolved = HashMap::new();
        let mut seen = HashSet::from([(main.clone(), None)]);
        let mut jobs = vec![Job {
            url: main.clone(),
            module: reader.read(&main, None).map_err(StartupError::new)?,
            typed: false,
        }];
        while let Some(Job { url, mut module, typed }) = jobs.pop() {
            // What it is by itself says most: what an attribute wants can be made of that.
            if typed && modules.contains_key(url.as_str()) {
                continue;
            }
            if let Content::Script(source) = &module.content {
                let jsx = match module.path.extension().and_then(|extension| extension.to_str()) {
                    Some("tsx" | "jsx") => reader.packages.jsx(&module.path).map_err(StartupError::new)?,
                    _ => Jsx::default(),
                };
                let parsed = parsed(&module.name, source, &jsx)?;
                if !parsed.is_module && is_commonjs(&module.name, source) {
                    return Err(commonjs(&module.name));
                }
                for import in parsed.imports {
                    if is_builtin(&import.specifier) {
                        builtins.insert(import.specifier);
                        continue;
                    }
                    let Some((target, read)) = reader.follow(&module, source, &url, &import, &mut seen)? else {
                        continue;
                    };
                    let mut named = target.clone();
                    if import.source {
                        named.set_fragment(Some(SOURCE));
                    }
                    let before = resolved.insert((url.to_string(), import.specifier), named.clone());
                    // deno_core does not say which of the two it resolves.
                    if before.is_some_and(|before| before != named) {
                        let message = format!("{} imports this both as a module and as its source", module.name);
                        return Err(StartupError::new(message).at(&module.name, source, import.span, None));
                    }
                    jobs.extend(read.map(|module| Job {
                        url: target,
                        module,
                        typed: import.kind.is_some(),
                    }));
                }
                if let Some((code, map)) = parsed.transpiled {
                    let text = source.clone();
                    module.content = Content::Script(code);
                    module.original = Some(Original { text, map });
                }
            }
            modules.insert(url.into(), module);
        }
        let sha256 = digest(&main, &modules);
        Ok(Self {
            main,
            modules,
            builtins,
            resolved,
            sha256,
        })
    }

    /// What a specifier names in a module.
    pub fn resolved(&self, specifier: &str, referrer: &Url) -> Option<&Url> {
        self.resolved.get(&(referrer.to_string(), specifier.to_owned()))
    }

    /// The modules of ours that are imported, for example `cloudflare:workers`.
    pub fn builtins(&self) -> impl Iterator<Item = &str> {
        self.builtins.iter().map(String::as_str)
    }

    /// SHA-256 over every module's path and content, the main one's path first, in lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The URL of the main module.
    pub fn main(&self) -> &Url {
        &self.main
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

    /// Every module.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    /// Every module with its URL.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Module)> {
        self.modules.iter().map(|(url, module)| (url.as_str(), module))
    }

    /// The files that the modules were read from.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.modules.values().map(|module| module.path.as_path())
    }
}

/// Whether a script that has neither `import` nor `export` is for `require()`.
fn is_commonjs(name: &str, source: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "cjs")
        || ["module.exports", "exports.", "require("]
            .iter()
            .any(|mark| source.contains(mark))
}

fn commonjs(name: &str) -> StartupError {
    StartupError::new(format!("{name} is a CommonJS module, which workerd-lite does not load")).with_help(
        "Bundle the worker first: npx esbuild worker.js --bundle --format=esm --conditions=workerd,worker,browser \
         --external:cloudflare:* --external:workerd-lite:* --loader:.wasm=copy --outfile=bundle.js",
    )
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
