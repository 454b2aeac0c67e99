//! What a server that runs does not take over from a changed configuration.

use std::fmt::Debug;

use super::Options;

/// Fields that have changed and need a restart, with what they were and are.
pub(super) fn needed(serves: &Options, read: &Options) -> Vec<(&'static str, String, String)> {
    let mut changed = Vec::new();
    let mut compare = |field, was: &dyn Debug, is: &dyn Debug| {
        let (was, is) = (format!("{was:?}"), format!("{is:?}"));
        if was != is {
            changed.push((field, was, is));
        }
    };
    compare("listen", &serves.listen, &read.listen);
    compare("threads", &serves.threads, &read.threads);
    match (serves.admin, read.admin) {
        (Some(was), Some(is)) => compare("admin.listen", &was, &is),
        (was, is) => compare("admin", &was, &is),
    }
    changed
}

/// Warns of them.
pub(super) fn warn(serves: &Options, read: &Options) {
    for (field, was, is) in needed(serves, read) {
        tracing::warn!(
            field,
            "{field} is {is} now, and stays {was} until the server is restarted; all else was taken over"
        );
    }
}
