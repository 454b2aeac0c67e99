//! Reloadable files, which may change while the server runs: certificates, keys and secrets. They are looked at every second, which
//! notices replaced links (as Kubernetes makes them) that a file watcher misses. A broken file leaves what was there.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

type Reload = Box<dyn FnMut() -> Result<(), String> + Send>;

/// A file's state: a change of any part of it is a change of the file.
pub(crate) type Stamp = Vec<Option<(SystemTime, u64, u64)>>;

struct Watched {
    name: String,
    paths: Vec<PathBuf>,
    seen: Stamp,
    reload: Reload,
    /// What was said last, so that it is said once.
    failed: Option<String>,
}

/// What is watched, until it is started.
#[derive(Default)]
pub struct ReloadableFiles {
    watched: Vec<Watched>,
}

impl std::fmt::Debug for ReloadableFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.watched.iter().map(|watched| &watched.name))
            .finish()
    }
}

/// Files are watched until this is dropped.
#[derive(Debug)]
pub struct Watching(Arc<AtomicBool>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl ReloadableFiles {
    /// Calls `reload` whenever one of the files has changed.
    pub(crate) fn watch(
        &mut self,
        name: impl Into<String>,
        paths: Vec<PathBuf>,
        reload: impl FnMut() -> Result<(), String> + Send + 'static,
    ) {
        self.watched.push(Watched {
            name: name.into(),
            seen: stamp(&paths),
            paths,
            reload: Box::new(reload),
            failed: None,
        });
    }

    /// Calls `refresh` each time that files are looked at.
    pub(crate) fn always(
        &mut self,
        name: impl Into<String>,
        refresh: impl FnMut() -> Result<(), String> + Send + 'static,
    ) {
        self.watch(name, Vec::new(), refresh);
    }

    /// Watches in a thread of its own. Fails where the system refuses one.
    pub fn start(mut self) -> std::io::Result<Watching> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        if !self.watched.is_empty() {
            std::thread::Builder::new().name("reload".into()).spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    std::thread::sleep(INTERVAL);
                    for watched in &mut self.watched {
                        watched.look();
                    }
                }
            })?;
        }
        Ok(Watching(stop))
    }
}

impl Watched {
    fn look(&mut self) {
        let now = stamp(&self.paths);
        let changed = now != self.seen;
        if !changed && !self.paths.is_empty() && self.failed.is_none() {
            return;
        }
        match (self.reload)() {
            Ok(()) => {
                if changed || self.failed.is_some() {
                    tracing::info!("{}: changed on disk and taken over", self.name);
                }
                self.failed = None;
            }
            // A pair that is being written may be broken for a moment: it is tried again until it is good.
            Err(why) => {
                if self.failed.as_ref() != Some(&why) {
                    tracing::error!(
                        "{}: changed on disk but is not good, the old one stays: {why}",
                        self.name
                    );
                }
                self.failed = Some(why);
            }
        }
        self.seen = now;
    }
}

pub(crate) fn stamp(paths: &[PathBuf]) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    paths
        .iter()
        .map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
        })
        .collect()
}
