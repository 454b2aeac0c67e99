//! Specifiers that name files beside the module.

use std::path::{Path, PathBuf};

/// Whether a specifier names a file beside the module.
pub(super) fn is_relative(specifier: &str) -> bool {
    let path = path_of(specifier);
    path.starts_with("./") || path.starts_with("../") || path == "." || path == ".."
}

/// A specifier without its query and fragment.
pub(super) fn path_of(specifier: &str) -> &str {
    specifier.split(['?', '#']).next().unwrap_or_default()
}

/// The file beside a module that a relative specifier names. Nothing where the way there leaves `root`.
pub(super) fn beside(root: &Path, referrer: &Path, specifier: &str) -> Option<PathBuf> {
    let mut whole = referrer.parent()?.to_owned();
    for part in path_of(specifier).split('/') {
        match part {
            "" | "." => {}
            ".." => {
                whole.pop();
                if !whole.starts_with(root) {
                    return None;
                }
            }
            part => whole.push(part),
        }
    }
    Some(whole)
}
