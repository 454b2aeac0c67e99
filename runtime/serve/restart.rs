//! What a server that runs does not take over from a changed configuration.

use std::fmt::Display;

use super::Options;
use crate::listen::ListenAddress;

/// Fields that have changed and need a restart, with what they were and are.
pub(super) fn needed(serves: &Options, read: &Options) -> Vec<(&'static str, String, String)> {
    let mut changed = Vec::new();
    let mut compare = |field, was: &dyn Display, is: &dyn Display| {
        let (was, is) = (was.to_string(), is.to_string());
        if was != is {
            changed.push((field, was, is));
        }
    };
    compare("listen", &shown(&serves.listen), &shown(&read.listen));
    compare("threads", &serves.threads, &read.threads);
    compare("admin.listen", &shown(&serves.admin), &shown(&read.admin));
    changed
}

/// Addresses as they are written.
fn shown(addresses: &[ListenAddress]) -> String {
    if addresses.is_empty() {
        return "absent".to_owned();
    }
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    shown.join(", ")
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
