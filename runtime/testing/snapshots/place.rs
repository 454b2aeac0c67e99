//! Where snapshots may be: within the project.

use std::path::{Component, Path, PathBuf};

/// The file that a path names, symbolic links followed. Nothing where that is outside of `root`.
pub(super) fn within(root: &Path, path: &Path) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let plain = plain(&std::path::absolute(path).ok()?)?;
    let mut known = plain.as_path();
    let mut rest = PathBuf::new();
    // What is not there yet is made below what is.
    while known.symlink_metadata().is_err() {
        rest = Path::new(known.file_name()?).join(rest);
        known = known.parent()?;
    }
    // Fails for a link that leads nowhere.
    let known = known.canonicalize().ok()?;
    let place = if rest.as_os_str().is_empty() {
        known
    } else {
        // `join` of nothing leaves a slash at the end.
        known.join(rest.components().collect::<PathBuf>())
    };
    place.starts_with(root).then_some(place)
}

fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    Some(plain)
}
