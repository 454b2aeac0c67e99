//! The folder, and which of its files are served: what is in it, is not hidden, and is nobody's secret.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use sha2::{Digest as _, Sha256};

use crate::private_files::{is_configuration, is_of, is_secret};
use crate::unlinked_file;

/// Files of the folder that say how others are served, and are not.
pub(super) const RULES: [&str; 3] = ["_headers", "_redirects", ".assetsignore"];

/// The most lines of `.assetsignore`. Each is looked at for every path that is asked for.
const MOST_IGNORED: usize = 1000;

/// The script of a Pages project is not served either.
const PAGES_SCRIPT: &str = "_worker.js";

/// The only hidden folder that is for everybody (RFC 8615).
const WELL_KNOWN: &str = ".well-known";

/// A folder whose files are served.
#[derive(Debug)]
pub(super) struct Folder {
    /// Without symbolic links.
    root: PathBuf,
    /// What of it is never served.
    forbidden: Vec<PathBuf>,
    ignored: Gitignore,
}

/// A file of it, as it was when it was found.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) path: PathBuf,
    pub(super) length: u64,
    state: State,
}

/// What tells one content of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
    length: u64,
}

impl State {
    fn of(found: &Metadata) -> Self {
        Self {
            inode: found.ino(),
            seconds: found.mtime(),
            nanoseconds: found.mtime_nsec(),
            length: found.len(),
        }
    }
}

impl Folder {
    pub(super) fn open(directory: &Path, forbidden: Vec<PathBuf>, wrong: &mut Vec<String>) -> Result<Self, String> {
        let failed = |why: String| format!("the folder {} can not be read: {why}", directory.display());
        let root = directory.canonicalize().map_err(|error| failed(error.to_string()))?;
        fs::read_dir(&root).map_err(|error| failed(error.to_string()))?;
        if let Some(file) = forbidden.iter().find(|file| root.starts_with(file)) {
            return Err(failed(format!("it is within {}, which is the owner's", file.display())));
        }
        // Others are in no way of it.
        let forbidden = forbidden
            .into_iter()
            .filter(|file| file.parent().is_some_and(|parent| parent.starts_with(&root)))
            .collect();
        let mut ignored = GitignoreBuilder::new("");
        let rules = root.join(".assetsignore");
        if rules.is_file() {
            let text = crate::text_file::read_settings_within(&root, &rules)
                .map_err(|error| format!("{} can not be read: {error}", rules.display()))?;
            if text.lines().nth(MOST_IGNORED).is_some() {
                return Err(format!("{} has more than {MOST_IGNORED} lines", rules.display()));
            }
            for (number, line) in (1..).zip(text.lines()) {
                if let Err(error) = ignored.add_line(None, line) {
                    wrong.push(super::lines::complaint(&rules, number, &error.to_string()));
                }
            }
        }
        let ignored = ignored
            .build()
            .map_err(|error| format!("{}: {error}", rules.display()))?;
        Ok(Self {
            root,
            forbidden,
            ignored,
        })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The file of a decoded path of a URL, where there is one that is served.
    pub(super) fn find(&self, path: &str) -> Option<Asset> {
        let within = path.strip_prefix('/')?;
        if within.contains('\0') || within.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return None;
        }
        let within = Path::new(within);
        if !self.serves(within) {
            return None;
        }
        // A link may lead elsewhere, or to what has another name here.
        let found = self.root.join(within).canonicalize().ok()?;
        let within = found.strip_prefix(&self.root).ok()?;
        if !self.serves(within) || self.forbidden.iter().any(|file| is_of(&found, file)) {
            return None;
        }
        let metadata = unlinked_file::metadata(&found).ok()?;
        metadata.is_file().then(|| Asset {
            length: metadata.len(),
            state: State::of(&metadata),
            path: found,
        })
    }

    /// How much of a decoded path leads to folders that are there, with the slash behind them, in bytes.
    pub(super) fn deepest(&self, path: &str) -> usize {
        let mut deepest = usize::from(path.starts_with('/'));
        for (slash, _) in path.match_indices('/').skip(1) {
            let within = &path[deepest..slash];
            if matches!(within, "" | "." | "..") || !self.root.join(&path[1..slash]).is_dir() {
                break;
            }
            deepest = slash + 1;
        }
        deepest
    }

    /// Whether a path within the folder may be served, by its name.
    fn serves(&self, within: &Path) -> bool {
        let mut parts = within.components().map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        if !parts.all(|name| name.is_some_and(|name| !name.starts_with('.') || name == WELL_KNOWN)) {
            return false;
        }
        let is_rule = RULES.iter().any(|rule| within == Path::new(rule)) || within.starts_with(PAGES_SCRIPT);
        !is_rule
            && !is_secret(within)
            && !is_configuration(within)
            && !self.ignored.matched_path_or_any_parents(within, false).is_ignore()
    }
}

impl Asset {
    /// Whether both are one file.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.path == other.path
    }

    /// What changes with its content: by when it was written and how long it is, as nothing of it was read.
    pub(super) fn tag(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.path.as_os_str().as_encoded_bytes());
        for number in [self.state.seconds, self.state.nanoseconds] {
            hash.update(number.to_be_bytes());
        }
        hash.update(self.length.to_be_bytes());
        hex::encode(&hash.finalize()[..16])
    }

    /// Opens it, where it still is what was found.
    pub(super) fn open(&self) -> std::io::Result<File> {
        let file = unlinked_file::open(&self.path)?;
        if State::of(&file.metadata()?) != self.state {
            return Err(std::io::Error::other("the file has changed"));
        }
        Ok(file)
    }
}
