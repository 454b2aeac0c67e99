//! Files as packages' resolver reads them: those of settings, within what such a file may have.

use std::io;
use std::path::{Path, PathBuf};

use oxc_resolver::{FileMetadata, FileSystem, FileSystemOs, ResolveError, ResolverGeneric};

use crate::bounded_file::{self, SETTINGS};

/// Resolves by files that are read so.
pub(super) type Resolver = ResolverGeneric<PackageFiles>;

/// The system's files.
pub(super) struct PackageFiles(FileSystemOs);

impl FileSystem for PackageFiles {
    fn new() -> Self {
        Self(FileSystemOs::new())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        bounded_file::read_packaged(path, SETTINGS)
    }

    fn read_to_string(&self, path: &Path) -> io::Result<String> {
        bounded_file::read_to_string(path, SETTINGS)
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        self.0.metadata(path)
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        self.0.symlink_metadata(path)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, ResolveError> {
        self.0.read_link(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        self.0.canonicalize(path)
    }
}
