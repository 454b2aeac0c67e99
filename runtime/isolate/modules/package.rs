//! Resolution by Node's rules, as bundlers for Workers apply them: packages with `exports` and conditions, extensions
//! that are left out, and the paths of a `tsconfig.json`.

use std::path::{Path, PathBuf};

use super::parse::Jsx;
use oxc_resolver::{ResolveError, ResolveOptions, Resolver, TsconfigDiscovery};

/// The conditions that Workers' packages are published under.
const CONDITIONS: [&str; 5] = ["workerd", "worker", "browser", "import", "default"];

/// Resolves specifiers to files.
pub(super) struct Packages(Resolver);

impl Packages {
    pub(super) fn new() -> Self {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Self(Resolver::new(ResolveOptions {
            tsconfig: Some(TsconfigDiscovery::Auto),
            alias_fields: vec![list(&["browser"])],
            condition_names: list(&CONDITIONS),
            extension_alias: vec![
                (".js".to_owned(), list(&[".js", ".ts", ".tsx"])),
                (".jsx".to_owned(), list(&[".jsx", ".tsx"])),
                (".mjs".to_owned(), list(&[".mjs", ".mts"])),
            ],
            extensions: list(&[".tsx", ".ts", ".jsx", ".js", ".mjs", ".mts", ".json"]),
            main_fields: list(&["browser", "module", "main"]),
            node_path: false,
            ..ResolveOptions::default()
        }))
    }

    /// How JSX in a file is meant, by the `tsconfig.json` above it.
    pub(super) fn jsx(&self, file: &Path) -> Result<Jsx, String> {
        let found = self.0.find_tsconfig(file);
        let found =
            found.map_err(|error| format!("the tsconfig.json of {} can not be read: {error}", file.display()))?;
        let Some(found) = found else { return Ok(Jsx::default()) };
        let options = &found.compiler_options;
        Ok(Jsx {
            classic: options.jsx.as_deref() == Some("react"),
            import_source: options.jsx_import_source.clone(),
            factory: options.jsx_factory.clone(),
            fragment: options.jsx_fragment_factory.clone(),
        })
    }

    /// The file that a module's specifier names, symbolic links followed. Fails with why there is none.
    pub(super) fn resolve(&self, referrer: &Path, specifier: &str) -> Result<PathBuf, String> {
        self.0
            .resolve_file(referrer, specifier)
            .map(|resolution| resolution.path().to_owned())
            .map_err(|error| match error {
                ResolveError::NotFound(_) if is_relative(specifier) => {
                    format!("{specifier} can not be imported: there is no such file")
                }
                ResolveError::NotFound(_) => format!(
                    "the package of {specifier:?} is not installed: npm install it, or bundle it into the worker"
                ),
                ResolveError::Ignored(_) => {
                    format!("{specifier:?} is not for workers: its package leaves it out of browsers")
                }
                other => format!("{specifier:?} can not be imported: {other}"),
            })
    }
}

/// Whether a specifier names a file beside the module.
pub(super) fn is_relative(specifier: &str) -> bool {
    specifier.starts_with("./") || specifier.starts_with("../") || specifier == "." || specifier == ".."
}
