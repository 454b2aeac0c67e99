//! Reads a worker's modules, following every import with a literal name. What the main module imports statically must be
//! there; what only an `import()` reaches fails when that runs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use deno_core::url::Url;

use super::bundled::Given;
use super::exports::Exports;
use super::failure::{ImportFailure, Refusal, Rejected};
use super::import::{Asked, Import, share_names};
use super::module::{Content, Module, Original, SOURCE, is_addon};
use super::read::Target;
use super::requires::Pattern;
use super::resolve::is_builtin;
use super::source::Source;
use crate::diagnostic::position;
use crate::isolate::StartupError;

/// How many files of a worker are taken for what names with a computed part may mean.
const GUESSES: usize = 4096;

/// What was read so far.
pub(super) struct Loading<'a> {
    pub(super) reader: &'a dyn Source,
    pub(super) modules: BTreeMap<String, Module>,
    pub(super) builtins: BTreeSet<String>,
    pub(super) resolved: HashMap<(String, String), Result<Url, ImportFailure>>,
    pub(super) failures: HashMap<(String, Option<String>), ImportFailure>,
    pub(super) failed_files: BTreeSet<PathBuf>,
    /// The names that are imported of packages' parts that are left out, by the module that stands for them.
    left_out: BTreeMap<Url, (PathBuf, BTreeSet<String>)>,
    /// The modules that are CommonJS's.
    pub(super) commonjs: BTreeMap<Url, Exports>,
    /// What those require, as `resolved`.
    pub(super) required: HashMap<(String, String), Result<Url, ImportFailure>>,
    /// Names that modules of TypeScript export and that are nothing when they run.
    pub(super) types: BTreeMap<Url, BTreeSet<String>>,
    /// Who imports what: the target, the importer's file and URL, the import.
    pub(super) importers: Vec<(Url, PathBuf, Url, Import)>,
    seen: HashSet<(Url, Option<String>)>,
    jobs: Vec<Job>,
    deferred: Vec<Deferred>,
    /// How many more files may be taken for what names with a computed part may mean.
    pub(super) guesses: usize,
}

/// A module that was read, and is to be parsed.
struct Job {
    url: Url,
    module: Module,
    /// Whether an attribute says what it is read as.
    typed: bool,
}

/// An `import()`, followed once all static imports were.
struct Deferred {
    referrer: Url,
    /// The file that it stands in.
    path: PathBuf,
    place: String,
    import: Import,
    asked: Asked,
}

impl<'a> Loading<'a> {
    pub(super) fn new(reader: &'a dyn Source, main: &Url) -> Result<Self, StartupError> {
        let module = reader
            .read(main, None)
            .map_err(|refusal| StartupError::new(refusal.for_owner()))?;
        Ok(Self {
            reader,
            modules: BTreeMap::new(),
            builtins: BTreeSet::new(),
            resolved: HashMap::new(),
            failures: HashMap::new(),
            failed_files: BTreeSet::new(),
            left_out: BTreeMap::new(),
            commonjs: BTreeMap::new(),
            required: HashMap::new(),
            types: BTreeMap::new(),
            importers: Vec::new(),
            seen: HashSet::from([(main.clone(), None)]),
            jobs: vec![Job {
                url: main.clone(),
                module,
                typed: false,
            }],
            deferred: Vec::new(),
            guesses: GUESSES,
        })
    }

    pub(super) fn run(mut self) -> Result<Self, StartupError> {
        while let Some(job) = self.jobs.pop() {
            let Some(parsed) = self.parse(job).map_err(Rejected::into_startup)? else {
                continue;
            };
            for import in &parsed.imports {
                self.follow(&parsed.module.path, &parsed.url, import, Asked::Import)
                    .map_err(|refused| {
                        let message = match refused {
                            Refused::Specifier(refusal) | Refused::Module(_, refusal) => refusal.for_owner(),
                        };
                        let label = Some("imported here".to_owned());
                        let error = StartupError::new(message).at(
                            &parsed.module.name,
                            parsed.module.text(),
                            import.span.clone(),
                            label,
                        );
                        match self.importers_of(&parsed.url) {
                            Some(importers) => error.with_help(format!("It is a part of the worker by {importers}")),
                            None => error,
                        }
                    })?;
            }
            self.keep(parsed);
        }
        // From here on nothing fails the start.
        for url in self.reader.further() {
            if self.seen.insert((url.clone(), None)) {
                match self.reader.read(&url, None) {
                    Ok(module) => self.jobs.push(Job {
                        url,
                        module,
                        typed: false,
                    }),
                    Err(refusal) => self.failed(url, None, None, refusal.failure),
                }
            }
        }
        loop {
            if let Some(job) = self.jobs.pop() {
                let (url, path) = (job.url.clone(), job.module.path.clone());
                match self.parse(job) {
                    Ok(None) => {}
                    Ok(Some(parsed)) => {
                        for import in &parsed.imports {
                            let place = parsed.place(import);
                            self.try_follow(&parsed.module.path, &parsed.url, import, Asked::Import, &place);
                        }
                        self.keep(parsed);
                    }
                    Err(rejected) => self.failed(url, None, Some(path), rejected.into_failure()),
                }
            } else if let Some(Deferred {
                referrer,
                path,
                place,
                import,
                asked,
            }) = self.deferred.pop()
            {
                self.try_follow(&path, &referrer, &import, asked, &place);
            } else {
                break;
            }
        }
        self.join_twins();
        self.add_left_out();
        self.add_types();
        Ok(self)
    }

    /// Parses a module. Nothing where it is there already by itself, which says most: what an attribute wants can be
    /// made of that.
    fn parse(&self, job: Job) -> Result<Option<ParsedModule>, Rejected> {
        let Job { url, mut module, typed } = job;
        if typed && self.modules.contains_key(url.as_str()) {
            return Ok(None);
        }
        let (mut imports, mut dynamic, mut commonjs) = (Vec::new(), Vec::new(), None);
        let (mut requires, mut patterns, mut data) = (Vec::new(), Vec::new(), Vec::new());
        let mut computed = false;
        let mut imported_patterns = Vec::new();
        let mut types = BTreeSet::new();
        if let Content::Script(source) = &module.content {
            let parsed = self.reader.parse(&module, source)?;
            commonjs = parsed.commonjs;
            types = parsed.types;
            module.commonjs = commonjs.is_some();
            (requires, patterns, data) = (parsed.requires, parsed.patterns, parsed.data);
            (computed, imported_patterns) = (parsed.computed, parsed.imported_patterns);
            (dynamic, imports) = parsed.imports.into_iter().partition(|import| import.dynamic);
            let given = if self.reader.has_node() {
                parsed.given
            } else {
                Given::default()
            };
            let with_given = given
                .any()
                .then(|| given.with(parsed.defined.as_deref().unwrap_or(source)));
            let defined = parsed.defined.map(|code| (code, String::new()));
            // Lines stay as the map has them.
            let before = given.prelude();
            let transpiled = parsed.transpiled.map(|(code, map)| (format!("{before}{code}"), map));
            imports.extend(given.imports());
            share_names(&mut imports);
            if let Some((code, map)) = transpiled.or(with_given).or(defined) {
                let text = source.clone();
                module.content = Content::Script(code);
                module.original = Some(Original { text, map });
            }
        }
        Ok(Some(ParsedModule {
            url,
            module,
            imports,
            dynamic,
            requires,
            patterns,
            computed,
            imported_patterns,
            data,
            commonjs,
            types,
        }))
    }

    /// The modules by whose imports a module came in, from the main one on. Nothing for that itself.
    fn importers_of(&self, url: &Url) -> Option<String> {
        let mut names = Vec::new();
        let mut of = url;
        while let Some((_, _, importer, _)) = self.importers.iter().find(|(target, ..)| target == of) {
            let module = self.modules.get(importer.as_str())?;
            if names.contains(&module.name) {
                break;
            }
            names.push(module.name.clone());
            of = importer;
        }
        names.reverse();
        (!names.is_empty()).then(|| names.join(" \u{2192} "))
    }

    fn keep(&mut self, parsed: ParsedModule) {
        // A `require()` fails when it runs, too.
        let guessed = self.guessed(&parsed.module.path, &parsed.patterns);
        let imported = self.guessed(&parsed.module.path, &parsed.imported_patterns);
        let mut data = Vec::new();
        let mut peers = Vec::new();
        if self.reader.has_node() {
            if parsed.computed {
                peers = self.reader.peers(&parsed.module.path);
            }
            data = self.reader.data_files(&parsed.module.path, &parsed.data);
            data.extend(
                self.reader
                    .addons(&parsed.module.path, &parsed.requires, &parsed.patterns),
            );
        }
        let required = parsed
            .requires
            .iter()
            .chain(&guessed)
            .chain(&data)
            .chain(&peers)
            .map(|import| (import, Asked::Require));
        let all = parsed.dynamic.iter().chain(&imported);
        let all = all.map(|import| (import, Asked::Import));
        for (import, asked) in all.chain(required) {
            self.deferred.push(Deferred {
                referrer: parsed.url.clone(),
                path: parsed.module.path.clone(),
                place: parsed.place(import),
                import: import.clone(),
                asked,
            });
        }
        if !parsed.types.is_empty() {
            self.types.insert(parsed.url.clone(), parsed.types);
        }
        if let Some(exports) = parsed.commonjs {
            self.commonjs.insert(parsed.url.clone(), exports);
        }
        self.modules.insert(parsed.url.into(), parsed.module);
    }

    /// Follows an import whose failure is the `import()`'s that reaches it.
    fn try_follow(&mut self, referrer: &Path, url: &Url, import: &Import, asked: Asked, place: &str) {
        match self.follow(referrer, url, import, asked) {
            Ok(()) => {}
            Err(Refused::Specifier(refusal)) => {
                let failure = refusal.imported_at(place);
                tracing::debug!("{failure}");
                let edges = if asked == Asked::Require {
                    &mut self.required
                } else {
                    &mut self.resolved
                };
                let edge = (url.to_string(), import.specifier.clone());
                if import.unknown.is_some() {
                    // deno_core does not say with which attributes a name is asked for: another import of it goes on.
                    edges.entry(edge).or_insert(Err(failure));
                } else {
                    edges.insert(edge, Err(failure));
                }
            }
            Err(Refused::Module(target, refusal)) => {
                // Others are no files of this worker.
                let path = self.reader.path(&target).filter(|_| refusal.failure.is_syntax());
                self.failed(target, import.kind.clone(), path, refusal.imported_at(place));
            }
        }
    }

    fn failed(&mut self, url: Url, kind: Option<String>, path: Option<PathBuf>, failure: ImportFailure) {
        tracing::debug!("{failure}");
        self.failed_files.extend(path);
        self.failures.insert((url.into(), kind), failure);
    }

    /// Finds what an import names, and reads it where that is new with this type.
    fn follow(&mut self, referrer: &Path, url: &Url, import: &Import, asked: Asked) -> Result<(), Refused> {
        if let Some(unknown) = &import.unknown {
            // The first two words are workerd's.
            let message = format!("Unsupported import attribute: {unknown:?}, the only one is \"type\"");
            return Err(Refused::Specifier(message.into()));
        }
        if is_builtin(&import.specifier) {
            self.builtins.insert(import.specifier.clone());
            return Ok(());
        }
        let target = self
            .reader
            .resolve(referrer, import, url, asked)
            .map_err(Refused::Specifier)?;
        let (target, left_out) = match target {
            Target::File(target) => (target, None),
            Target::LeftOut(target, package) => (target, Some(package)),
            Target::Node(target) => {
                // What is required is made when it is.
                if asked == Asked::Import || is_builtin(target.as_str()) {
                    self.builtins.insert(target.to_string());
                }
                let edges = if asked == Asked::Require {
                    &mut self.required
                } else {
                    &mut self.resolved
                };
                edges.insert((url.to_string(), import.specifier.clone()), Ok(target));
                return Ok(());
            }
        };
        let mut named = target.clone();
        if import.source {
            named.set_fragment(Some(SOURCE));
        }
        let edges = if asked == Asked::Require {
            &mut self.required
        } else {
            &mut self.resolved
        };
        let before = edges.insert((url.to_string(), import.specifier.clone()), Ok(named.clone()));
        // deno_core does not say which of the two it resolves.
        if before.is_some_and(|before| before.is_ok_and(|before| before != named)) {
            let message = format!("{} is imported both as a module and as its source", import.specifier);
            return Err(Refused::Specifier(message.into()));
        }
        if let Some(package) = left_out {
            let (_, names) = self
                .left_out
                .entry(target)
                .or_insert_with(|| (package, BTreeSet::new()));
            names.extend(import.names.iter().cloned());
            return Ok(());
        }
        self.importers
            .push((target.clone(), referrer.to_owned(), url.clone(), import.clone()));
        if !self.seen.insert((target.clone(), import.kind.clone())) {
            return Ok(());
        }
        if asked == Asked::Import && is_addon(target.path()) {
            let message = format!(
                "{} can not be imported: it is machine code, and is for require()",
                import.specifier
            );
            return Err(Refused::Specifier(message.into()));
        }
        match self.reader.read(&target, import.kind.as_deref()) {
            Ok(module) => self.jobs.push(Job {
                url: target,
                module,
                typed: import.kind.is_some(),
            }),
            Err(refusal) => return Err(Refused::Module(target, refusal)),
        }
        Ok(())
    }

    /// An object without properties stands for what is left out, as in bundles.
    fn add_left_out(&mut self) {
        for (url, (path, names)) in std::mem::take(&mut self.left_out) {
            let names: Vec<String> = names
                .into_iter()
                .filter(|name| name != "default")
                .map(|name| format!("nothing as {}", serde_json::Value::from(name)))
                .collect();
            let code = format!(
                "const nothing = undefined; export default {{}}; export {{ {} }};",
                names.join(", ")
            );
            let module = Module {
                name: url.as_str().trim_start_matches("file:///").to_owned(),
                path,
                content: Content::Script(code),
                commonjs: false,
                original: None,
                built: None,
            };
            self.modules.insert(url.into(), module);
        }
    }
}

/// A module with what it imports.
struct ParsedModule {
    url: Url,
    module: Module,
    imports: Vec<Import>,
    dynamic: Vec<Import>,
    requires: Vec<Import>,
    patterns: Vec<Pattern>,
    /// Whether it requires something by a name of which nothing is known.
    computed: bool,
    imported_patterns: Vec<Pattern>,
    data: Vec<String>,
    commonjs: Option<Exports>,
    types: BTreeSet<String>,
}

impl ParsedModule {
    /// Where an import stands, as messages name it.
    fn place(&self, import: &Import) -> String {
        let (line, column) = position(self.module.text(), import.span.start);
        format!("{}:{line}:{column}", self.module.name)
    }
}

/// Why an import can not be followed.
enum Refused {
    /// Its specifier names nothing.
    Specifier(Refusal),
    /// The module that it names can not be read.
    Module(Url, Refusal),
}
