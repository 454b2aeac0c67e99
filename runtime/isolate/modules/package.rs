//! Resolution by Node's rules, as bundlers for Workers apply them: packages with `exports` and conditions, `browser`
//! maps, extensions that are left out, and the paths of a `tsconfig.json`.

use std::path::{Path, PathBuf};

use nodejs_built_in_modules::is_nodejs_builtin_module;
use oxc_resolver::{ResolveError, ResolveOptions, TsconfigDiscovery, TsconfigOptions, TsconfigReferences};

use super::browser::{BrowserMap, BrowserMaps};
use super::compiler::CompilerOptions;
use super::failure::Refusal;
use super::import::{Asked, Import};
use super::nodes_own::NodesOwn;
use super::package_files::Resolver;
use super::relative::{beside, is_relative};
use super::resolve::NODE_MODULES;
use super::scopes::own_folder;

/// The conditions that Workers' packages are published under, as wrangler's bundler sets them.
const CONDITIONS: [&str; 5] = ["workerd", "worker", "browser", "import", "default"];

/// The same for what CommonJS modules require.
pub(super) const REQUIRE_CONDITIONS: [&str; 5] = ["workerd", "worker", "browser", "require", "default"];

/// What is taken where those lead to what does nothing in a worker.
const NODE_CONDITIONS: [&str; 5] = ["workerd", "worker", "node", "import", "default"];
const NODE_REQUIRE_CONDITIONS: [&str; 5] = ["workerd", "worker", "node", "require", "default"];

/// The extensions that may be left out, the first first.
const EXTENSIONS: [&str; 7] = [".tsx", ".ts", ".jsx", ".js", ".mjs", ".mts", ".json"];

/// The same for a package's files: what was built comes before its source.
const PACKAGED_EXTENSIONS: [&str; 7] = [".jsx", ".js", ".mjs", ".json", ".tsx", ".ts", ".mts"];

/// Resolves specifiers to files.
pub(super) struct Packages {
    root: PathBuf,
    own: Resolvers,
    /// For what packages' files import.
    packaged: Resolvers,
    /// For what packages have for Node.js, where Node's modules are there.
    node: Option<Resolvers>,
    nodes_own: NodesOwn,
    browser: BrowserMaps,
}

/// Resolvers for both kinds of module that ask.
struct Resolvers {
    import: Resolver,
    require: Resolver,
}

impl Resolvers {
    fn of(&self, asked: Asked) -> &Resolver {
        match asked {
            Asked::Import => &self.import,
            Asked::Require => &self.require,
        }
    }
}

/// Where the paths of a project's own files are: in the `tsconfig.json` above each, or in the `jsconfig.json` of a project of JavaScript.
fn discovery(root: &Path) -> TsconfigDiscovery {
    let config_file = root.join("jsconfig.json");
    if root.join("tsconfig.json").exists() || !config_file.is_file() {
        return TsconfigDiscovery::Auto;
    }
    TsconfigDiscovery::Manual(TsconfigOptions {
        config_file,
        references: TsconfigReferences::Auto,
    })
}

/// What a specifier names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A file, symbolic links followed, and the specifier's query and fragment.
    File(PathBuf, String),
    /// Nothing: the `package.json` in this folder leaves it out of browsers, and so out of workers.
    LeftOut(PathBuf),
}

impl Packages {
    pub(super) fn new(root: &Path, node: bool) -> Self {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let options = |extensions: &[&str], conditions: &[&str], main_fields: &[&str]| ResolveOptions {
            tsconfig: Some(discovery(root)),
            condition_names: list(conditions),
            extension_alias: vec![
                (".js".to_owned(), list(&[".js", ".ts", ".tsx"])),
                (".jsx".to_owned(), list(&[".jsx", ".tsx"])),
                (".mjs".to_owned(), list(&[".mjs", ".mts"])),
                (".cjs".to_owned(), list(&[".cjs", ".cts"])),
            ],
            extensions: list(extensions),
            main_fields: list(main_fields),
            node_path: false,
            ..ResolveOptions::default()
        };
        let first = Resolver::new(ResolveOptions::default());
        let resolvers = |extensions: &[&str]| Resolvers {
            import: first.clone_with_options(options(extensions, &CONDITIONS, &["browser", "module", "main"])),
            require: first.clone_with_options(options(extensions, &REQUIRE_CONDITIONS, &["browser", "main", "module"])),
        };
        let of_node = |conditions: &[&str], fields: &[&str]| {
            first.clone_with_options(options(&PACKAGED_EXTENSIONS, conditions, fields))
        };
        Self {
            root: root.to_owned(),
            node: node.then(|| Resolvers {
                import: of_node(&NODE_CONDITIONS, &["module", "main"]),
                require: of_node(&NODE_REQUIRE_CONDITIONS, &["main", "module"]),
            }),
            nodes_own: NodesOwn::default(),
            packaged: resolvers(&PACKAGED_EXTENSIONS),
            own: resolvers(&EXTENSIONS),
            browser: BrowserMaps::new(root, list(&EXTENSIONS), node),
        }
    }

    /// How a file is compiled, by the `tsconfig.json` above it.
    pub(super) fn compiler_options(&self, file: &Path) -> Result<CompilerOptions, String> {
        match self.own.import.find_tsconfig(file) {
            Ok(Some(found)) => Ok(CompilerOptions::of(&found.compiler_options)),
            Ok(None) => Ok(CompilerOptions::default()),
            // As esbuild does: packages of which a configuration is extended are for development.
            Err(ResolveError::TsconfigNotFound(path)) => {
                tracing::warn!("{} extends a configuration that is not there", self.name(&path));
                Ok(CompilerOptions::default())
            }
            Err(error) => Err(match &error {
                ResolveError::TsconfigLoadFailed { path, source } => match &**source {
                    ResolveError::Json(error) => format!("{} is no JSON: {error}", self.name(path)),
                    _ => format!("{} can not be read", self.name(path)),
                },
                _ => format!("the tsconfig.json of {} can not be read", self.name(file)),
            }),
        }
    }

    /// What the `browser` map of a module's package puts in the place of what a specifier names, where it does.
    pub(super) fn mapped(&self, referrer: &Path, specifier: &str, asked: Asked) -> Option<Found> {
        let map = self.browser.of(referrer)?;
        let replacement = if is_relative(specifier) {
            beside(&self.root, referrer, specifier).and_then(|file| map.of_file(&file))
        } else {
            map.of_package(specifier)
        }?;
        // A map that leads nowhere, as to a file of another package that is installed elsewhere, says nothing.
        self.replaced(&map, replacement.as_deref(), asked)
    }

    /// Whether that map names another package for a module of Node's: `"stream": "stream-browserify"`.
    pub(super) fn is_stood_for(&self, referrer: &Path, specifier: &str) -> bool {
        let map = self.browser.of(referrer);
        let replacement = map.as_ref().and_then(|map| map.of_package(specifier));
        replacement.is_some_and(|found| found.as_ref().is_some_and(|name| !is_relative(name)))
    }

    /// What a module's specifier names.
    pub(super) fn resolve(&self, referrer: &Path, import: &Import, asked: Asked) -> Result<Found, Refusal> {
        let specifier = import.specifier.as_str();
        if let Some(mapped) = self.mapped(referrer, specifier, asked) {
            // What is called at once is no part that a package does without: with Node's modules there it works. So does a package
            // that its user installed, as a driver.
            let works =
                || import.called || (asked == Asked::Require && self.is_installed_for_node(referrer, specifier));
            if !(self.node.is_some() && matches!(mapped, Found::LeftOut(_)) && works()) {
                return Ok(mapped);
            }
        }
        let (path, suffix) = match self.file(referrer, specifier, asked) {
            Ok(found) => found,
            Err(error) => match self.for_node_alone(referrer, specifier, asked, &error) {
                Some(path) => return Ok(Found::File(path, String::new())),
                None => return Err(self.refusal(referrer, specifier, &error)),
            },
        };
        if let Some(path) = self.nodes_own(referrer, import, asked, &path) {
            return Ok(Found::File(path, suffix));
        }
        // A package's main file, what `exports` names, and extensions that were left out.
        if let Some(map) = self.browser.of(&path) {
            let replacement = map.of_file(&path);
            if let Some(replacement) = replacement.filter(|to| !(import.called && self.node.is_some() && to.is_none()))
            {
                if let Some(found) = self.replaced(&map, replacement.as_deref(), asked) {
                    return Ok(found);
                }
            }
        }
        Ok(Found::File(path, suffix))
    }

    /// Whether a package is there that is no machine code.
    fn is_installed_for_node(&self, referrer: &Path, specifier: &str) -> bool {
        if is_relative(specifier) || specifier.starts_with(['/', '#']) {
            return false;
        }
        let Some(found) = self.of_node(referrer, specifier, Asked::Require) else {
            return false;
        };
        !own_folder(&found).is_some_and(|folder| folder.join("binding.gyp").exists())
    }

    /// What a package exports under the condition `node`, where it exports nothing under those of workers and browsers.
    fn for_node_alone(&self, referrer: &Path, specifier: &str, asked: Asked, error: &ResolveError) -> Option<PathBuf> {
        if !matches!(error, ResolveError::PackagePathNotExported { .. }) {
            return None;
        }
        self.of_node(referrer, specifier, asked)
    }

    /// The file that Node.js would take.
    fn of_node(&self, referrer: &Path, specifier: &str, asked: Asked) -> Option<PathBuf> {
        let resolver = self.node.as_ref()?.of(asked);
        Some(resolver.resolve(referrer.parent()?, specifier).ok()?.path().to_owned())
    }

    /// What a package has for Node.js in the place of its main file or of what it exports.
    fn nodes_own(&self, referrer: &Path, import: &Import, asked: Asked, found: &Path) -> Option<PathBuf> {
        let specifier = import.specifier.as_str();
        let packaged = found.components().any(|part| part.as_os_str() == "node_modules");
        if !packaged || is_relative(specifier) || specifier.starts_with(['/', '#']) {
            return None;
        }
        // A package whose file for imports lacks what is imported may have it in that for `require()`, which is Node's for both.
        let others = || {
            let kinds = match asked {
                Asked::Import => &[Asked::Import, Asked::Require][..],
                Asked::Require => &[Asked::Require],
            };
            let found = kinds
                .iter()
                .filter_map(|asked| self.of_node(referrer, specifier, *asked));
            found.collect()
        };
        let main = || {
            let name = package_name(specifier).filter(|name| *name != specifier)?;
            Some(self.file(referrer, name, asked).ok()?.0)
        };
        self.nodes_own.of(found, specifier, asked, &import.names, others, main)
    }

    /// What replaces a file or package, if it is there. Maps are not followed further.
    fn replaced(&self, map: &BrowserMap, replacement: Option<&str>, asked: Asked) -> Option<Found> {
        let Some(replacement) = replacement else {
            return Some(Found::LeftOut(map.folder.clone()));
        };
        let referrer = map.folder.join("package.json");
        let found = self
            .file(&referrer, replacement, asked)
            // Some packages leave out the `./`.
            .or_else(|_| self.file(&referrer, &format!("./{replacement}"), asked));
        Some(Found::File(found.ok()?.0, String::new()))
    }

    /// The file that a specifier names, without regard to `browser` maps, and its query and fragment.
    pub(super) fn file(
        &self,
        referrer: &Path,
        specifier: &str,
        asked: Asked,
    ) -> Result<(PathBuf, String), ResolveError> {
        let packaged = referrer.components().any(|part| part.as_os_str() == "node_modules");
        let resolver = if packaged { &self.packaged } else { &self.own }.of(asked);
        let resolution = match referrer.parent() {
            // No tsconfig.json has a say in these.
            Some(folder) if is_relative(specifier) => resolver.resolve(folder, specifier),
            folder => match (resolver.resolve_file(referrer, specifier), folder) {
                (Err(ResolveError::TsconfigNotFound(_)), Some(folder)) => resolver.resolve(folder, specifier),
                (resolution, _) => resolution,
            },
        };
        let resolution = resolution?;
        let suffix = [resolution.query(), resolution.fragment()]
            .map(Option::unwrap_or_default)
            .concat();
        Ok((resolution.path().to_owned(), suffix))
    }

    /// Why there is no such file. Scripts read this: it names nothing outside of the project.
    fn refusal(&self, referrer: &Path, specifier: &str, error: &ResolveError) -> Refusal {
        let refused = |why: String| format!("{specifier:?} can not be imported: {why}").into();
        match error {
            ResolveError::NotFound(_) | ResolveError::ExtensionAlias(..) | ResolveError::MatchedAliasNotFound(..) => {
                if is_installed(referrer, specifier) {
                    return refused("its package is installed, and has no such file".to_owned());
                }
                not_found(specifier)
            }
            ResolveError::Specifier(_) => refused("it names nothing".to_owned()),
            ResolveError::PackagePathNotExported { subpath, .. } => refused(format!(
                "its package does not export {subpath:?} under any of the conditions {}",
                CONDITIONS.join(", ")
            )),
            ResolveError::PackageImportNotDefined(..) => {
                refused("the package.json above does not define it under \"imports\"".to_owned())
            }
            ResolveError::Json(error) => refused(format!("{} is no JSON: {error}", self.name(&error.path))),
            other => {
                let owners = format!("{specifier:?} can not be imported: {other}");
                let refusal: Refusal = refused("its package can not be read".to_owned());
                refusal.with_owners(owners)
            }
        }
    }

    /// A path within the project, as messages show it.
    fn name(&self, path: &Path) -> String {
        let outside = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        path.strip_prefix(&self.root)
            .map_or_else(|_| outside(), |within| within.display().to_string())
    }
}

/// Whether the package that a specifier names is in a `node_modules` above a module.
fn is_installed(referrer: &Path, specifier: &str) -> bool {
    if is_relative(specifier) || specifier.starts_with(['/', '#']) {
        return false;
    }
    let parts = if specifier.starts_with('@') { 2 } else { 1 };
    let name: PathBuf = specifier.split('/').take(parts).collect();
    let mut folders = referrer.ancestors().skip(1);
    folders.any(|folder| folder.join("node_modules").join(&name).join("package.json").is_file())
}

/// The package that a specifier names a file of.
fn package_name(specifier: &str) -> Option<&str> {
    let parts = if specifier.starts_with('@') { 2 } else { 1 };
    let end = specifier.match_indices('/').nth(parts - 1);
    specifier.get(..end.map_or(specifier.len(), |(at, _)| at))
}

/// A file or package that is not there.
pub(super) fn not_found(specifier: &str) -> Refusal {
    if is_relative(specifier) || specifier.starts_with('/') {
        format!("{specifier} can not be imported: there is no such file").into()
    } else if specifier.starts_with('#') {
        format!("{specifier:?} can not be imported: what the package.json above says of it is not there").into()
    } else if is_nodejs_builtin_module(specifier.trim_end_matches('/')) {
        format!(
            "{specifier:?} can not be imported: it is a module of Node.js, of which workerd-lite has {NODE_MODULES}, and no \
             package of that name is installed"
        )
        .into()
    } else {
        format!("the package of {specifier:?} is not installed: npm install it, or bundle it into the worker").into()
    }
}
