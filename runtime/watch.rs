//! Notices files that change, by looking at them: replaced files and links are noticed too.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::reloadable::{Stamp, stamp};

/// How often files may change in a row until they are taken as they are: some are written all the time.
const RESTLESS: u32 = 20;

/// Files and what they were when they were last looked at.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    files: Vec<PathBuf>,
    seen: Stamp,
    /// A change that was noticed, and may not be over: editors write a file in several steps.
    coming: Option<(Vec<PathBuf>, Stamp)>,
    /// How often it was another one.
    restless: u32,
    /// Where new files are noticed too.
    folder: Option<PathBuf>,
    /// Files, folders and beginnings of names that are not looked at: what is written by who watches.
    without: Vec<PathBuf>,
    /// Files that are looked at wherever they are.
    always: Vec<PathBuf>,
}

impl Watch {
    /// Watches these files.
    pub(crate) fn new(files: Vec<PathBuf>) -> Self {
        Self {
            seen: stamp(&files),
            files,
            ..Self::default()
        }
    }

    /// Watches everything in a folder but packages, hidden files, logs, what this process writes to, what git ignores, and `without`: files, folders, and files whose names begin so, as logs that were put aside have it. And these files,
    /// wherever they are.
    pub(crate) fn below(folder: &Path, without: Vec<PathBuf>, always: Vec<PathBuf>) -> Self {
        let mut watch = Self {
            folder: Some(folder.to_owned()),
            without,
            always,
            ..Self::default()
        };
        watch.files = watch.list(folder);
        watch.seen = stamp(&watch.files);
        watch
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
            ..Self::default()
        }
    }

    /// The same, and these files, which are seen as they are now where they were not looked at before.
    pub(crate) fn also(mut self, files: Vec<PathBuf>) -> Self {
        let before = std::mem::take(&mut self.files).into_iter();
        let mut all: BTreeMap<PathBuf, _> = before.zip(std::mem::take(&mut self.seen)).collect();
        for (file, now) in files.iter().zip(stamp(&files)) {
            all.entry(file.clone()).or_insert(now);
        }
        (self.files, self.seen) = all.into_iter().unzip();
        self.always.extend(files);
        self
    }

    /// Whether files have changed since this last was so, and are now as they were at the last look.
    pub(crate) fn changed(&mut self) -> bool {
        let files = self.folder.as_deref().map(|folder| self.list(folder));
        let files = files.unwrap_or_else(|| self.files.clone());
        let now = stamp(&files);
        if now == self.seen && files == self.files {
            (self.coming, self.restless) = (None, 0);
            return false;
        }
        self.restless += 1;
        let state = (files, now);
        if self.coming.as_ref() != Some(&state) && self.restless < RESTLESS {
            self.coming = Some(state);
            return false;
        }
        (self.files, self.seen) = state;
        (self.coming, self.restless) = (None, 0);
        true
    }

    fn list(&self, folder: &Path) -> Vec<PathBuf> {
        let mut walk = WalkBuilder::new(folder);
        // What is to be ignored is so before there is a repository.
        walk.require_git(false);
        let own = own_outputs();
        let mut files: Vec<PathBuf> = files_of(&mut walk)
            .filter(|file| !self.is_left_out(file) && !is_log(file) && !is_one(file, &own))
            .collect();
        files.push(folder.join(".dev.vars"));
        files.extend(self.always.iter().cloned());
        files.sort();
        files.dedup();
        files
    }

    fn is_left_out(&self, file: &Path) -> bool {
        self.without.iter().any(|path| {
            let begins = || {
                file.as_os_str()
                    .as_encoded_bytes()
                    .starts_with(path.as_os_str().as_encoded_bytes())
            };
            file.starts_with(path) || (file.parent() == path.parent() && begins())
        })
    }
}

/// What this process writes to where its standard output and error are: a line there is no reason for another.
fn own_outputs() -> Vec<(u64, u64)> {
    let of = |found: rustix::io::Result<rustix::fs::Stat>| found.ok().map(|found| (found.st_dev, found.st_ino));
    let outputs = [
        of(rustix::fs::fstat(std::io::stdout())),
        of(rustix::fs::fstat(std::io::stderr())),
    ];
    outputs.into_iter().flatten().collect()
}

fn is_one(file: &Path, of: &[(u64, u64)]) -> bool {
    std::fs::metadata(file).is_ok_and(|found| of.contains(&(found.dev(), found.ino())))
}

/// What others write, as `tee` and servers do, that no project is made of.
fn is_log(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "log")
}

/// Every file below a folder but packages, hidden files, and what git ignores.
pub(crate) fn files_below(folder: &Path) -> impl Iterator<Item = PathBuf> {
    files_of(&mut WalkBuilder::new(folder))
}

fn files_of(walk: &mut WalkBuilder) -> impl Iterator<Item = PathBuf> + use<> {
    walk.filter_entry(|entry| entry.file_name() != "node_modules")
        .build()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()) && entry.path().is_file())
        .map(ignore::DirEntry::into_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks until nothing is on its way.
    fn changed(watch: &mut Watch) -> bool {
        watch.changed() || watch.changed()
    }

    #[test]
    fn what_changes_while_it_is_read_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.js"), folder.path().join("b.js"));
        std::fs::write(&a, "1").unwrap();
        let before = Watch::below(folder.path(), Vec::new(), Vec::new());
        std::fs::write(&b, "1").unwrap();
        let mut watched = before.only(vec![a.clone(), b]);
        assert!(!changed(&mut watched));
        let before = Watch::below(folder.path(), Vec::new(), Vec::new());
        std::fs::write(&a, "22").unwrap();
        assert!(changed(&mut before.only(vec![a])));
        assert!(!changed(&mut watched.only(Vec::new())));
    }

    #[test]
    fn a_change_is_over_when_it_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let a = folder.path().join("a.js");
        std::fs::write(&a, "1").unwrap();
        let mut watch = Watch::new(vec![a.clone()]);
        for text in ["", "22", "333"] {
            std::fs::write(&a, text).unwrap();
            assert!(!watch.changed());
        }
        assert!(watch.changed());
        assert!(!watch.changed());
        // One that never rests is taken some time.
        let restless = (0..RESTLESS).any(|length| {
            std::fs::write(&a, "x".repeat(usize::try_from(length).unwrap())).unwrap();
            watch.changed()
        });
        assert!(restless);
    }

    #[test]
    fn what_is_written_and_what_git_ignores_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("state")).unwrap();
        for (name, text) in [(".gitignore", "*.tmp\ndist/\n"), ("a.js", "1"), ("audit.ndjson", "")] {
            std::fs::write(at(name), text).unwrap();
        }
        std::fs::create_dir(at("dist")).unwrap();
        let always = at("dist/main.js");
        let mut watch = Watch::below(
            folder.path(),
            vec![at("audit.ndjson"), at("state")],
            vec![always.clone()],
        );
        for name in [
            "audit.ndjson",
            "audit.ndjson.1",
            "state/keys",
            "x.tmp",
            "dist/other.js",
            ".hidden",
            "dev.log",
        ] {
            std::fs::write(at(name), "1").unwrap();
            assert!(!changed(&mut watch), "{name}");
        }
        std::fs::write(always, "1").unwrap();
        assert!(changed(&mut watch));
        std::fs::write(at("new.js"), "1").unwrap();
        assert!(changed(&mut watch));
        // As editors do it.
        std::fs::write(at("a.js.new"), "2").unwrap();
        std::fs::rename(at("a.js.new"), at("a.js")).unwrap();
        assert!(changed(&mut watch));
        let _socket = std::os::unix::net::UnixListener::bind(at("x.sock")).unwrap();
        assert!(!changed(&mut watch));
    }
}
