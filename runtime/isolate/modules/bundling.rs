//! What a project says of its imports: types of files by their names, and other names for modules. Packages' own files are none of its business
//! but for the names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::patterns::Patterns;

/// What files are imported as, where no attribute says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileType {
    /// Text.
    Text,
    /// Bytes.
    Data,
    /// WebAssembly.
    Wasm,
}

/// Rules of a project's imports.
#[derive(Debug, Clone, Default)]
pub struct Bundling {
    /// Types by patterns, which match a path within the project. The first decides.
    pub types: Vec<(Patterns, FileType)>,
    /// What specifiers, and what begins with one and a slash, stand for.
    pub aliases: BTreeMap<String, String>,
    /// Names that stand for constants, which are JavaScript.
    pub defines: BTreeMap<String, String>,
    /// The folder that relative names in `aliases`, and patterns in `types`, are seen from, without symbolic links.
    pub folder: PathBuf,
    /// Whether maps of scripts that were built are read.
    pub maps: bool,
}

impl Bundling {
    /// What a file is imported as. Nothing where the usual types decide.
    pub(super) fn file_type(&self, path: &Path) -> Option<FileType> {
        let mut types = self.types.iter();
        let (_, kind) = types.find(|(patterns, _)| patterns.is_match(path))?;
        Some(*kind)
    }

    /// What a specifier stands for, where that is another.
    pub(super) fn alias(&self, specifier: &str) -> Option<String> {
        let mut aliases = self.aliases.iter().rev();
        aliases.find_map(|(name, to)| {
            let rest = specifier.strip_prefix(name.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Bundling;

    #[test]
    fn the_longest_alias_decides() {
        let aliases = [("a", "x"), ("a/b", "./y"), ("node:fs", "z")];
        let bundling = Bundling {
            aliases: aliases.map(|(name, to)| (name.to_owned(), to.to_owned())).into(),
            ..Bundling::default()
        };
        for (specifier, expected) in [
            ("a", Some("x")),
            ("a/c", Some("x/c")),
            ("a/b", Some("./y")),
            ("a/b/c", Some("./y/c")),
            ("ab", None),
            ("node:fs", Some("z")),
            ("fs", None),
        ] {
            assert_eq!(bundling.alias(specifier).as_deref(), expected, "{specifier}");
        }
    }
}
