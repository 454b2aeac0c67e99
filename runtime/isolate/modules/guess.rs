//! What a name with a computed part may mean: the files of a folder, as bundlers take them.

use std::path::Path;

use super::import::Import;
use super::load::Loading;
use super::requires::Pattern;

/// How many files of one folder are taken.
const MOST: usize = 512;

const EXTENSIONS: [&str; 9] = ["js", "cjs", "mjs", "json", "ts", "mts", "cts", "jsx", "tsx"];

impl Loading<'_> {
    /// What the names that a file computes may be, within bounds.
    pub(super) fn guessed(&mut self, file: &Path, patterns: &[Pattern]) -> Vec<Import> {
        let mut imports = Vec::new();
        for pattern in patterns {
            let (folder, start) = pattern.before.rsplit_once('/').unwrap_or((".", &pattern.before));
            let entries = self.reader.entries(file, folder).into_iter();
            let mut names: Vec<String> = entries
                .filter(|name| name.starts_with(start) && name != "node_modules" && !name.starts_with('.'))
                .collect();
            names.sort();
            let named = names.into_iter().filter_map(|name| named(&name, &pattern.after));
            for name in named.take(MOST.min(self.guesses)) {
                self.guesses -= 1;
                imports.push(Import::named(format!("{folder}/{name}")));
            }
        }
        imports
    }
}

/// The rest of a specifier for an entry of a folder.
fn named(name: &str, after: &str) -> Option<String> {
    if let Some((here, beyond)) = after.split_once('/') {
        // Each of these folders has it, or has not.
        return name.ends_with(here).then(|| format!("{name}/{beyond}"));
    }
    if !after.is_empty() && name.ends_with(after) {
        return Some(name.to_owned());
    }
    match name.rsplit_once('.') {
        // `"./a" + name` may stand for a folder.
        None => after.is_empty().then(|| name.to_owned()),
        Some((stem, extension)) => (EXTENSIONS.contains(&extension) && stem.ends_with(after)).then(|| name.to_owned()),
    }
}
