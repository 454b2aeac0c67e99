//! Who may write what keys are kept in. Who may put another key in the place of one is who it says.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::error::quoted;

/// The bits of a mode by which a file's group and others may write.
const OTHERS: u32 = 0o022;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever works with it.
    Works,
    /// Whoever only looks: root may do so for another user, whose file or folder it is.
    Looks,
}

/// Refuses a file or folder that others than this process's user, or root, may write. What is not there is no reason.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    check_as(path, Who::Works)
}

/// The same, for who asks.
pub(crate) fn check_as(path: &Path, who: Who) -> Result<(), String> {
    let Ok(metadata) = std::fs::metadata(path) else {
        return Ok(());
    };
    let shown = path.display();
    if metadata.permissions().mode() & OTHERS != 0 {
        return Err(format!(
            "{shown}: others than its owner may write it. Take that from them: chmod go-w {}",
            quoted(path)
        ));
    }
    let user = rustix::process::geteuid().as_raw();
    let for_another = who == Who::Looks && user == 0;
    if metadata.uid() != user && metadata.uid() != 0 && !for_another {
        return Err(format!(
            "{shown}: it belongs to another user, who may write it. Make it this one's: chown {user} {}",
            quoted(path)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_may_write_is_refused_with_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it's.pem");
        assert_eq!(check(&file), Ok(()), "not there");
        std::fs::write(&file, "").unwrap();
        for (mode, good) in [
            (0o600, true),
            (0o644, true),
            (0o620, false),
            (0o602, false),
            (0o666, false),
        ] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let checked = check(&file);
            assert_eq!(checked.is_ok(), good, "{mode:o}");
            let command = |why: String| why.contains("chmod go-w '") && why.contains("it'\\''s.pem");
            assert!(checked.err().is_none_or(command), "{mode:o}");
        }
    }
}
