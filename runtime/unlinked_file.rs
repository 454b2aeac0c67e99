//! Opening a file at the path that was checked. Between a check and an opening, whoever writes a folder may put a symbolic link in the place of
//! anything in it. So what was checked is a path without links, and it is opened without following one.

use std::fs::{File, Metadata};
use std::io::Result;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Opens a file to read it, by a path no part of which is a symbolic link; with one, it fails. A pipe is not waited for.
pub(crate) fn open(path: &Path) -> Result<File> {
    open_as(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
}

/// What the system says of a file, by such a path.
pub(crate) fn metadata(path: &Path) -> Result<Metadata> {
    handle(path)?.metadata()
}

/// What stands for a file or a folder, by such a path. On Linux nothing can be read by it.
pub(crate) fn handle(path: &Path) -> Result<File> {
    #[cfg(target_os = "linux")]
    let how = OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    let how = OFlags::RDONLY | OFlags::NONBLOCK;
    open_as(path, how)
}

/// A path's own path, without links, where that is allowed. What is opened by it is what was allowed.
pub(crate) fn checked(path: &Path, allowed: impl FnOnce(&Path) -> bool) -> Result<PathBuf> {
    let found = path.canonicalize()?;
    if !allowed(&found) {
        return Err(std::io::Error::new(
            std::io::ErrorKind::PermissionDenied,
            "it is a link to what may not be read",
        ));
    }
    Ok(found)
}

#[cfg(target_os = "linux")]
fn open_as(path: &Path, how: OFlags) -> Result<File> {
    use rustix::fs::{CWD, Mode, ResolveFlags, openat2};
    use rustix::io::Errno;

    let how = how | OFlags::CLOEXEC;
    let links = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(CWD, path, how, Mode::empty(), links) {
        // Kernels before 5.6, and filters of system calls that do not know it.
        Err(Errno::NOSYS | Errno::PERM) => walk(path, how),
        opened => Ok(File::from(opened?)),
    }
}

/// The same, folder by folder.
#[cfg(target_os = "linux")]
fn walk(path: &Path, how: OFlags) -> Result<File> {
    use std::path::Component;

    use rustix::fs::{CWD, Mode, openat};

    let folders = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut parts = path.components().peekable();
    let first = match parts.next_if(|part| *part == Component::RootDir) {
        Some(_) => "/",
        None => ".",
    };
    let mut at = openat(CWD, first, folders, Mode::empty())?;
    while let Some(part) = parts.next() {
        let how = if parts.peek().is_some() {
            folders
        } else {
            how | OFlags::NOFOLLOW
        };
        at = openat(&at, part.as_os_str(), how, Mode::empty())?;
    }
    let file = File::from(at);
    // With `PATH` a link itself is opened.
    if file.metadata()?.is_symlink() {
        return Err(rustix::io::Errno::LOOP.into());
    }
    Ok(file)
}

#[cfg(not(target_os = "linux"))]
fn open_as(path: &Path, how: OFlags) -> Result<File> {
    use rustix::fs::{CWD, Mode, openat};

    /// `O_NOFOLLOW_ANY` of `<sys/fcntl.h>`.
    const NOFOLLOW_ANY: OFlags = OFlags::from_bits_retain(0x2000_0000);
    Ok(File::from(openat(
        CWD,
        path,
        how | OFlags::CLOEXEC | NOFOLLOW_ANY,
        Mode::empty(),
    )?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_part_of_a_path_is_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        std::fs::write(root.join("real/file"), "text").unwrap();
        symlink("real", root.join("linked")).unwrap();
        symlink("file", root.join("real/link")).unwrap();
        let how = OFlags::RDONLY | OFlags::CLOEXEC;
        let ways: [fn(&Path, OFlags) -> Result<File>; 2] = [open_as, walk];
        for way in ways {
            let mut text = String::new();
            way(&root.join("real/file"), how)
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, "text");
            for (path, how) in [
                ("linked/file", how),
                ("real/link", how),
                ("real/link", OFlags::PATH),
                ("real/none", how),
            ] {
                assert!(way(&root.join(path), how).is_err(), "{path}");
            }
        }
        assert!(metadata(&root.join("real/file")).unwrap().is_file());
        assert!(metadata(&root.join("real/link")).is_err());
        assert!(checked(&root.join("linked/file"), |found| found == root.join("real/file")).is_ok());
        assert!(checked(&root.join("linked/file"), |_| false).is_err());
    }
}
