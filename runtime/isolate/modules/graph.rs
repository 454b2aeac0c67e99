//! Reads a worker's modules from its project, following every import with a literal name.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use deno_core::url::Url;

use super::parse::{Import, imports};
use super::resolve::{is_builtin, resolve};
use crate::isolate::StartupError;

/// Where a worker's modules may come from.
#[derive(Debug, Clone, Default)]
pub struct Confinement {
    /// The folder that every module must be in, symbolic links followed.
    pub root: PathBuf,
    /// Files that it may not read all the same: the policy's, for an agent.
    pub forbidden: HashSet<PathBuf>,
}

/// What a module holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An ES module.
    Script(String),
    /// JSON, checked when it is imported.
    Json(String),
    /// Text.
    Text(String),
}

/// One module.
#[derive(Debug, Clone)]
pub struct Module {
    /// Its path within the project, as messages show it.
    pub name: String,
    /// Its file, symbolic links resolved.
    pub path: PathBuf,
    /// What it holds.
    pub content: Content,
}

impl Module {
    /// Its source text.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Script(text) | Content::Json(text) | Content::Text(text) => Some(text),
        }
    }
}

/// All modules of one worker.
#[derive(Debug, Clone)]
pub struct Graph {
    main: Url,
    modules: BTreeMap<String, Module>,
    builtins: BTreeSet<String>,
    sha256: String,
}

struct Job {
    url: Url,
    kind: Option<String>,
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
        let reader = Reader { root, confinement };
        let main = reader.url(&path).ok_or_else(|| {
            StartupError::new(format!(
                "the script {} is outside of its project's folder {}",
                path.display(),
                reader.root.display()
            ))
        })?;
        let mut modules = BTreeMap::new();
        let mut builtins = BTreeSet::new();
        let mut jobs = vec![Job {
            url: main.clone(),
            kind: None,
        }];
        while let Some(job) = jobs.pop() {
            if modules.contains_key(job.url.as_str()) {
                continue;
            }
            // A missing import was reported by the module that names it.
            let module = reader.read(&job).map_err(StartupError::new)?;
            if let Content::Script(source) = &module.content {
                for import in imports(&module.name, source)? {
                    if is_builtin(&import.specifier) {
                        builtins.insert(import.specifier);
                        continue;
                    }
                    jobs.extend(reader.follow(&module, source, &job.url, import)?);
                }
            }
            modules.insert(job.url.into(), module);
        }
        let sha256 = digest(&main, &modules);
        Ok(Self {
            main,
            modules,
            builtins,
            sha256,
        })
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

    /// A module by its URL.
    pub fn by_url(&self, url: &str) -> Option<&Module> {
        self.modules.get(url)
    }

    /// The files that the modules were read from.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.modules.values().map(|module| module.path.as_path())
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
        let (kind, text) = match &module.content {
            Content::Script(text) => ("script", text),
            Content::Json(text) => ("json", text),
            Content::Text(text) => ("text", text),
        };
        feed(url.as_bytes());
        feed(kind.as_bytes());
        feed(text.as_bytes());
    }
    hex::encode(hash.finalize())
}

struct Reader<'a> {
    root: PathBuf,
    confinement: &'a Confinement,
}

impl Reader<'_> {
    fn url(&self, path: &Path) -> Option<Url> {
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

    /// The job of one import, or nothing for an `import()` that will fail by itself if it is ever run.
    fn follow(
        &self,
        module: &Module,
        source: &str,
        referrer: &Url,
        import: Import,
    ) -> Result<Option<Job>, StartupError> {
        let fail = |message: String| {
            StartupError::new(message).at(
                &module.name,
                source,
                import.span.clone(),
                Some("imported here".to_owned()),
            )
        };
        let resolved = resolve(&import.specifier, referrer).map_err(|error| error.to_string());
        let job = resolved.and_then(|url| {
            let job = Job {
                url,
                kind: import.kind.clone(),
            };
            self.read(&job).map(|_| job)
        });
        match job {
            Ok(job) => Ok(Some(job)),
            Err(_) if import.dynamic => Ok(None),
            Err(message) => Err(fail(message)),
        }
    }

    fn read(&self, job: &Job) -> Result<Module, String> {
        let name = self.name(&job.url);
        let missing = |why: &dyn std::fmt::Display| format!("{name} can not be imported: {why}");
        let path = self.path(&job.url).ok_or_else(|| missing(&"it is no path"))?;
        let path = path.canonicalize().map_err(|error| missing(&error))?;
        if !path.starts_with(&self.root) {
            return Err(missing(&format!(
                "it is a link out of the project's folder {}",
                self.root.display()
            )));
        }
        if self.confinement.forbidden.contains(&path) {
            return Err(missing(&"it belongs to the outbound worker, which agents may not read"));
        }
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let make: fn(String) -> Content = match (job.kind.as_deref(), extension) {
            (Some("text"), _) | (None, "txt" | "html" | "sql") => Content::Text,
            (Some("json"), _) | (None, "json") => Content::Json,
            (None, "js" | "mjs") => Content::Script,
            (None, "ts" | "mts" | "tsx" | "jsx") => {
                return Err(missing(
                    &"TypeScript and JSX are not supported: bundle them first, for example with esbuild",
                ));
            }
            (None, "wasm" | "bin") => return Err(missing(&"WebAssembly and binary modules are not supported")),
            (None, "cjs") => {
                return Err(missing(
                    &"CommonJS modules are not supported: bundle them first, for example with esbuild",
                ));
            }
            (None, _) => {
                return Err(missing(
                    &"its type is unknown: .js, .mjs, .json, .txt, .html and .sql can be imported, and others as text",
                ));
            }
            (Some(kind), _) => return Err(missing(&format!("the import attribute type {kind:?} is not supported"))),
        };
        let text = std::fs::read_to_string(&path).map_err(|error| missing(&error))?;
        Ok(Module {
            name,
            path,
            content: make(text),
        })
    }
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
        ]);
        std::os::unix::fs::symlink(outside.path().join("secret.txt"), folder.path().join("link.txt")).unwrap();
        assert!(
            load(folder.path(), "a.js", &["policy.js"])
                .unwrap_err()
                .contains("outbound worker")
        );
        assert!(load(folder.path(), "b.js", &[]).unwrap_err().contains("link out of"));
        assert!(load(folder.path(), "c.js", &[]).unwrap_err().contains("etc/hostname"));
        assert!(
            load(folder.path(), "d.js", &[])
                .unwrap_err()
                .contains("type is unknown")
        );
    }
}
