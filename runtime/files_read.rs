//! Which files are read, or looked for, while a project is loaded: where it can not be loaded, a change of one of them may mend it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Modules are read on other threads than who asks for them.
static READ: Mutex<Option<BTreeSet<PathBuf>>> = Mutex::new(None);

/// One of them, whether it is there or not.
pub(crate) fn note(path: &Path) {
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(read) = read.as_mut() {
        read.insert(path.to_owned());
    }
}

/// Loads something, and gives the files that were read for it. One thing is loaded at a time.
pub(crate) fn recorded<T>(load: impl FnOnce() -> T) -> (T, Vec<PathBuf>) {
    let take = |next| std::mem::replace(&mut *READ.lock().unwrap_or_else(PoisonError::into_inner), next);
    take(Some(BTreeSet::new()));
    let loaded = load();
    (loaded, take(None).into_iter().flatten().collect())
}
