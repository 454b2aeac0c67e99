//! A file of a key that the process that holds keys reads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::client::KeyProcess;
use super::key::HeldKey;
use crate::keys::RemoteKey;

/// The file. It is read whenever somebody loads it.
#[derive(Clone, Debug)]
pub struct KeyFile {
    process: Arc<KeyProcess>,
    path: PathBuf,
}

impl KeyFile {
    /// A file, which is not read yet.
    pub(crate) fn new(process: &Arc<KeyProcess>, path: PathBuf) -> Self {
        Self {
            process: Arc::clone(process),
            path,
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The key that it holds now. Fails with a sentence.
    pub(crate) fn load(&self) -> Result<Arc<dyn RemoteKey>, String> {
        Ok(HeldKey::load(&self.process, &self.path)? as Arc<dyn RemoteKey>)
    }
}

/// The key of a file, which is exchanged when that changes.
#[derive(Clone, Debug)]
pub struct CurrentKey {
    file: KeyFile,
    key: Arc<RwLock<Arc<dyn RemoteKey>>>,
}

impl CurrentKey {
    /// Reads the file. Fails with a sentence.
    pub(crate) fn open(file: KeyFile) -> Result<Self, String> {
        let key = Arc::new(RwLock::new(file.load()?));
        Ok(Self { file, key })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// The key.
    pub(crate) fn key(&self) -> Arc<dyn RemoteKey> {
        Arc::clone(&self.key.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again. One that is broken leaves the old key.
    pub(crate) fn reload(&self) -> Result<(), String> {
        let key = self.file.load()?;
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }
}
