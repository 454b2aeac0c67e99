//! What was made of a script once: its imports, its JavaScript, and V8's compiled code. Everything here can be made
//! again, so whatever is missing, damaged or of another version is no error. A folder of the owner's alone holds it:
//! V8 trusts compiled code.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::SystemTime;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

/// How many files are kept: two for each module of a graph of some thousand files, and those of other projects.
const LIMIT: usize = 16_384;

const DIGEST: usize = 32;

static CACHE: OnceLock<Cache> = OnceLock::new();

struct Cache {
    folder: PathBuf,
}

/// What makes an entry: its kind, and everything that its content depends on.
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn of(kind: &str, parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        let versions = [env!("CARGO_PKG_VERSION"), deno_core::v8::VERSION_STRING];
        for part in versions
            .iter()
            .map(|version| version.as_bytes())
            .chain(parts.iter().copied())
        {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        Self(format!("{:x}.{kind}", digest.finalize()))
    }
}

/// Keeps what is made in this folder from now on, and makes room in it. Without a folder that is the owner's alone
/// nothing is kept.
pub(crate) fn enable(folder: PathBuf) {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    let own = fs::metadata(&folder).is_ok_and(|metadata| {
        let writable_by_others = metadata.permissions().mode() & 0o022 != 0;
        metadata.is_dir() && !writable_by_others && metadata.uid() == rustix::process::geteuid().as_raw()
    });
    if made.is_err() || !own {
        tracing::debug!(
            "nothing is cached: {} is no folder of this user's alone",
            folder.display()
        );
        return;
    }
    let cache = Cache { folder };
    let _ = CACHE.set(cache);
    // There may be many thousands of files, which nobody waits for.
    let _ = std::thread::Builder::new()
        .name("cache".into())
        .spawn(|| CACHE.get().iter().for_each(|cache| cache.make_room()));
}

/// The folder that holds what is kept, where something is.
pub(super) fn folder() -> Option<PathBuf> {
    CACHE.get().map(|cache| cache.folder.clone())
}

/// What was kept, where it is whole.
pub(crate) fn bytes(key: &Key) -> Option<Vec<u8>> {
    let cache = CACHE.get()?;
    let mut bytes = fs::read(cache.folder.join(&key.0)).ok()?;
    let digest = bytes.get(..DIGEST)?;
    if *digest != *Sha256::digest(&bytes[DIGEST..]) {
        return None;
    }
    tracing::debug!("{} was taken from the cache", key.0);
    Some(bytes.split_off(DIGEST))
}

/// Keeps bytes, or does not where the file system will not.
pub(crate) fn keep(key: &Key, bytes: &[u8]) {
    let Some(cache) = CACHE.get() else { return };
    let kept = || -> std::io::Result<()> {
        // A file of its own until it is whole: others may read meanwhile.
        let mut file = tempfile::NamedTempFile::new_in(&cache.folder)?;
        file.write_all(&Sha256::digest(bytes))?;
        file.write_all(bytes)?;
        file.persist(cache.folder.join(&key.0))?;
        Ok(())
    };
    if let Err(error) = kept() {
        tracing::debug!("{} was not cached: {error}", key.0);
    }
}

/// What was kept as JSON.
pub(super) fn value<T: DeserializeOwned>(key: &Key) -> Option<T> {
    serde_json::from_slice(&bytes(key)?).ok()
}

/// Keeps a value as JSON.
pub(super) fn keep_value(key: &Key, value: &impl Serialize) {
    if CACHE.get().is_some() {
        if let Ok(bytes) = serde_json::to_vec(value) {
            keep(key, &bytes);
        }
    }
}

impl Cache {
    /// Removes the oldest files where there are too many.
    fn make_room(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        // Most often there are not: then none is looked at.
        let paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        if paths.len() <= LIMIT {
            return;
        }
        let modified = |path: PathBuf| Some((path.metadata().ok()?.modified().ok()?, path));
        let mut files: Vec<(SystemTime, PathBuf)> = paths.into_iter().filter_map(modified).collect();
        files.sort();
        for (_, path) in &files[..files.len().saturating_sub(LIMIT / 2)] {
            let _ = fs::remove_file(path);
        }
    }
}
