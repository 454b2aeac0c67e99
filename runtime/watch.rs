//! Notices files that change, by looking at them: replaced files and links are noticed too.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::rotation::{Stamp, stamp};

/// Files and what they were when they were last looked at.
#[derive(Debug)]
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
