//! Which files a worker's modules may be: those of its own folder and of packages above it, and nothing that holds keys or belongs to
//! others.

use std::path::{Path, PathBuf};

use super::module::{Confinement, Data, Overlay};
use crate::bounded_file::{self, SETTINGS};
use crate::private_files::{is_configuration, is_of, is_secret};

/// What is imported as data without being listed: what wrangler's bundler takes for data, and what scripts are written in.
const TYPES: [&str; 15] = [
    "txt", "html", "sql", "md", "json", "wasm", "bin", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx",
];

/// Hidden folders that builders write the whole of: OpenNext, Nitro, SvelteKit, Vinxi.
const BUILT: [&str; 4] = [".open-next", ".output", ".svelte-kit", ".vinxi"];

/// Why a file is no module of a worker.
pub(super) enum Outside {
    /// It is in no folder of the worker's.
    Folder,
    /// It is the owner's.
    Owners,
    /// It, or its folder, is hidden.
    Hidden,
    /// It may hold keys or settings.
    Secret,
    /// It is of no type that is listed.
    Unlisted,
}

/// What a file is wanted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// What its name says.
    Module,
    /// What the import's type says.
    Data,
    /// What a script reads. A package's scripts say which files of theirs they read.
    Read,
}

/// A `package.json`.
#[derive(serde::Deserialize)]
struct Named {
    name: Option<String>,
}

/// Where a worker's modules may come from, symbolic links followed.
pub(super) struct Confined<'a> {
    confinement: &'a Confinement,
    root: PathBuf,
    own: Option<PathBuf>,
}

impl<'a> Confined<'a> {
    /// `root` is the confinement's, without symbolic links.
    pub(super) fn new(confinement: &'a Confinement, root: &Path) -> std::io::Result<Self> {
        let own = confinement.own.as_ref();
        let found = own.map(|own| own.canonicalize()).transpose()?;
        // Its place may have been given to a link since it was found.
        if found.as_ref() != own {
            return Err(std::io::Error::other("there is a link in its path"));
        }
        Ok(Self {
            confinement,
            root: root.to_owned(),
            own: found,
        })
    }

    /// A file with another text.
    pub(super) fn overlay(&self) -> Option<&Overlay> {
        self.confinement.overlay.as_deref()
    }

    /// The folder that modules come from.
    pub(super) fn folder(&self) -> &Path {
        self.own.as_ref().unwrap_or(&self.root)
    }

    /// Whether a file, without symbolic links, may be read.
    pub(super) fn check(&self, path: &Path, wanted: Wanted) -> Result<(), Outside> {
        if !path.starts_with(self.folder()) && !self.is_packaged(path) && !self.is_linked(path) {
            return Err(Outside::Folder);
        }
        if self.confinement.forbidden.iter().any(|file| is_of(path, file)) {
            return Err(Outside::Owners);
        }
        let within = path.strip_prefix(&self.root).unwrap_or(path);
        // Package managers keep packages in such folders, and builders have some within their own.
        let (mut above, mut built) = (std::ffi::OsStr::new(""), false);
        for part in within {
            built |= BUILT.iter().any(|folder| part == *folder);
            let is_folder = path.file_name() != Some(part);
            let is_kept = above == "node_modules" || (built && is_folder);
            if part.as_encoded_bytes().starts_with(b".") && !is_kept {
                return Err(Outside::Hidden);
            }
            above = part;
        }
        let Data::Listed(listed) = &self.confinement.data else {
            return Ok(());
        };
        let is_packages = within.iter().any(|part| part == "node_modules");
        if is_secret(path) || (!is_packages && is_configuration(path)) {
            return Err(Outside::Secret);
        }
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        let extension = extension.unwrap_or_default();
        let within = path.strip_prefix(self.folder()).unwrap_or(within);
        let by_type = wanted == Wanted::Data || (wanted == Wanted::Read && !is_packages);
        if by_type && !TYPES.contains(&&*extension) && !listed.is_match(within) {
            return Err(Outside::Unlisted);
        }
        Ok(())
    }

    /// Whether a file is of a package that a `node_modules` in the worker's folder, or above it, links to by its name.
    fn is_linked(&self, path: &Path) -> bool {
        if !self.confinement.links || !path.starts_with(&self.root) {
            return false;
        }
        let mut above = path
            .ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(&self.root));
        let Some(package) = above.find(|folder| folder.join("package.json").is_file()) else {
            return false;
        };
        let text = bounded_file::read_packaged(&package.join("package.json"), SETTINGS).ok();
        let named = text.and_then(|text| serde_json::from_slice::<Named>(&text).ok());
        let Some(name) = named.and_then(|named| named.name) else {
            return false;
        };
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return false;
        }
        let folders = self
            .folder()
            .ancestors()
            .take_while(|folder| folder.starts_with(&self.root));
        let mut links = folders.map(|folder| folder.join("node_modules").join(&name));
        links.any(|link| link.canonicalize().is_ok_and(|found| found == package))
    }

    /// Whether a file is in a `node_modules` that is beside the worker's folder or above it.
    fn is_packaged(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
            && path.ancestors().skip(1).any(|folder| {
                let above = folder.parent().filter(|_| folder.ends_with("node_modules"));
                above.is_some_and(|above| self.folder().starts_with(above))
            })
    }
}
