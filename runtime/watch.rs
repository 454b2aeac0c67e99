//! Notices files that change, by looking at them: replaced files and links are noticed too.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::reloadable::{Stamp, stamp};

/// Files and what they were when they were last looked at.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    files: Vec<PathBuf>,
    seen: Stamp,
    /// Where new files are noticed too.
    folder: Option<PathBuf>,
}

impl Watch {
    /// Watches these files.
    pub(crate) fn new(files: Vec<PathBuf>) -> Self {
        Self {
            seen: stamp(&files),
            files,
            folder: None,
        }
    }

    /// Watches everything in a folder but packages, hidden files, and what git ignores.
    pub(crate) fn folder(folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
            ..Self::new(list(folder))
        }
    }

    /// Watches these files, those among the present ones as they were when they were last looked at.
    pub(crate) fn only(self, files: Vec<PathBuf>) -> Self {
        let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        let known: HashMap<PathBuf, _> = self.files.iter().map(real).zip(self.seen).collect();
        let mut seen = stamp(&files);
        for (file, seen) in files.iter().zip(&mut seen) {
            if let Some(known) = known.get(&real(file)) {
                *seen = *known;
            }
        }
        Self {
            files,
            seen,
            folder: None,
        }
    }

    /// Whether a file has changed since the last look.
    pub(crate) fn changed(&mut self) -> bool {
        let files = self.folder.as_deref().map(list);
        let files = files.unwrap_or_else(|| self.files.clone());
        let now = stamp(&files);
        let changed = now != self.seen || files != self.files;
        (self.files, self.seen) = (files, now);
        changed
    }
}

/// Every file below a folder but packages, hidden files, and what git ignores.
pub(crate) fn files_below(folder: &Path) -> impl Iterator<Item = PathBuf> {
    WalkBuilder::new(folder)
        .filter_entry(|entry| entry.file_name() != "node_modules")
        .build()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .map(ignore::DirEntry::into_path)
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = files_below(folder).collect();
    files.push(folder.join(".dev.vars"));
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_while_it_is_read_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.js"), folder.path().join("b.js"));
        std::fs::write(&a, "1").unwrap();
        let before = Watch::folder(folder.path());
        std::fs::write(&b, "1").unwrap();
        let mut watched = before.only(vec![a.clone(), b]);
        assert!(!watched.changed());
        let before = Watch::folder(folder.path());
        std::fs::write(&a, "22").unwrap();
        assert!(before.only(vec![a]).changed());
        assert!(!watched.only(Vec::new()).changed());
    }
}
