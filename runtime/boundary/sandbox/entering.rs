//! The order of the layers: each is entered while the ones before still let it.

use super::layer::{Failed, Layer, Refused, Report};
use super::{Allowed, descriptors, landlock, namespaces, privileges, resources, seccomp, watcher};

pub(super) fn enter(allowed: &Allowed) -> Result<Report, Refused> {
    let threads = threads();
    if threads > 1 {
        return Err(Refused::Threads(threads));
    }
    let mut report = Report::default();
    descriptors::close_all_but(&allowed.links)?;
    let parent = watcher::parent();
    let own = namespaces::enter();
    let namespaced = note(allowed, &mut report, Layer::Namespaces, own)?.is_some();
    privileges::drop_all()?;
    let restricted = landlock::restrict();
    report.landlock_in_full = note(allowed, &mut report, Layer::Landlock, restricted)?.unwrap_or(false);
    resources::limit(allowed, namespaced)?;
    privileges::keep_private().map_err(Failed::at("keeping the process's memory private"))?;
    watcher::split(parent)?;
    // What is the process from here on is known by its number, which the filter lets it send signals to.
    let filtered = seccomp::install(std::process::id(), allowed.purpose);
    note(allowed, &mut report, Layer::Seccomp, filtered)?;
    Ok(report)
}

/// What came of a layer, which may be missing where that is allowed.
fn note<T>(
    allowed: &Allowed,
    report: &mut Report,
    layer: Layer,
    outcome: Result<T, Failed>,
) -> Result<Option<T>, Refused> {
    match outcome {
        Ok(value) => {
            report.in_force.push(layer);
            Ok(Some(value))
        }
        Err(Failed { step, source }) if allowed.allow_missing.contains(&layer) => {
            report.missing.push((layer, format!("{step}: {source}")));
            Ok(None)
        }
        Err(Failed { step, source }) => Err(Refused::Layer { layer, step, source }),
    }
}

/// How many threads this process has. One where the system does not tell: a user namespace is refused to more anyway.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}
