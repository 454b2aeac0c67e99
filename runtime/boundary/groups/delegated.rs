//! Whether the control group of this process was delegated to it, and where that is.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::{SERVER, Without};

/// What owners of groups write on those that they delegate. The second is for the superuser's eyes alone, and older.
const MARKS: [&str; 2] = ["user.delegate", "trusted.delegate"];

/// The group that was delegated to this process: its own, or the one above where it was moved by itself, or by systemd's `DelegateSubgroup=`.
pub(super) fn find(insists: bool) -> Result<PathBuf, Without> {
    let not = |why: String| Err(Without::NotDelegated(why));
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let Some(own) = own(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo")) else {
        return not("control groups of version 2 are not mounted".to_owned());
    };
    let moved = own.parent().filter(|_| own.ends_with(SERVER));
    let root = match moved.filter(|above| insists || is_delegated(above)) {
        Some(above) => above,
        None if insists || is_delegated(&own) => &own,
        None => return not(format!("{} is not delegated to this server", own.display())),
    };
    // The root of all has no such file, and is nobody's to give.
    if !root.join("cgroup.type").exists() {
        return not("the server is in the root of all control groups".to_owned());
    }
    if access(root, Access::WRITE_OK).is_err() {
        return not(format!("{} is read-only", root.display()));
    }
    Ok(root.to_owned())
}

/// Whether a group says that it is delegated: by a mark, or by its owner, where that is who runs this, and not who owns the group above.
fn is_delegated(path: &Path) -> bool {
    let marked = |name: &str| {
        let mut value = [0; 8];
        rustix::fs::getxattr(path, name, &mut value).is_ok_and(|length| value.get(..length) == Some(b"1"))
    };
    if MARKS.into_iter().any(marked) {
        return true;
    }
    let own = geteuid();
    let owner = |path: &Path| fs::metadata(path).map(|found| found.uid()).ok();
    let above = path.parent().and_then(owner);
    !own.is_root() && owner(path) == Some(own.as_raw()) && above.is_some_and(|above| above != own.as_raw())
}

/// Where a process's group of version 2 is, by `/proc/self/cgroup` and `/proc/self/mountinfo`.
pub(super) fn own(groups: &str, mounts: &str) -> Option<PathBuf> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| {
        let (before, behind) = line.split_once(" - ")?;
        behind.starts_with("cgroup2 ").then_some(())?;
        let mut fields = before.split(' ').skip(3);
        let (root, at) = (fields.next()?, fields.next()?);
        // What is above the mount is nobody's here.
        let below = Path::new(own).strip_prefix(root).ok()?;
        Some(Path::new(at).join(below))
    })
}
