//! One key of the process that holds keys.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::client::KeyProcess;
use super::wire::{Answer, Question};
use crate::keys::public::{KeyKind, PublicKey};
use crate::keys::remote::{RemoteKey, Way};
use crate::keys::{KeyFileError, permissions};

/// A key, which is forgotten there when this is dropped.
#[derive(Debug)]
pub(crate) struct HeldKey {
    process: Arc<KeyProcess>,
    /// Where it is from. Nothing where it was made there and is nowhere else.
    path: Option<PathBuf>,
    public: PublicKey,
    known: Mutex<Known>,
}

/// Its number, and by which process it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    generation: u64,
    key: u64,
}

impl HeldKey {
    /// Has a file read there. Fails with a sentence where it holds no key, and where others may write it.
    pub(crate) fn load(process: &Arc<KeyProcess>, path: &Path) -> Result<Arc<Self>, String> {
        let (known, public) = read(process, path)?;
        Ok(Arc::new(Self {
            process: Arc::clone(process),
            path: Some(path.to_owned()),
            public,
            known: Mutex::new(known),
        }))
    }

    /// Has one made there that goes with that process.
    pub(crate) fn make(process: &Arc<KeyProcess>, kind: KeyKind) -> Result<Arc<Self>, String> {
        let (known, public) = has(process.ask(&Question::Make { kind }, None)?)?;
        Ok(Arc::new(Self {
            process: Arc::clone(process),
            path: None,
            public,
            known: Mutex::new(known),
        }))
    }

    /// Has one made there and written into an open file.
    pub(crate) fn make_into(process: &Arc<KeyProcess>, kind: KeyKind, file: &File) -> Result<(), String> {
        let (known, _) = has(process.ask(&Question::Make { kind }, Some(file.as_fd()))?)?;
        forget(process, known);
        Ok(())
    }

    /// Whether it has gone with the process that made it.
    pub(crate) fn is_lost(&self) -> bool {
        self.path.is_none() && self.known().generation != self.process.generation()
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its number now: another process has read its file anew.
    fn now(&self) -> Result<Known, String> {
        let known = self.known();
        if known.generation == self.process.generation() {
            return Ok(known);
        }
        let path = self.path.as_deref();
        let path = path.ok_or("the key has gone with the process that held it, and another is made")?;
        let (now, public) = read(&self.process, path)?;
        if public != self.public {
            forget(&self.process, now);
            return Err(format!(
                "{}: it holds another key by now, which is not taken over yet",
                path.display()
            ));
        }
        let former = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *known, now)
        };
        if former.generation == now.generation {
            // Two have read it at once.
            forget(&self.process, former);
        }
        Ok(now)
    }
}

fn read(process: &Arc<KeyProcess>, path: &Path) -> Result<(Known, PublicKey), String> {
    permissions::check(path)?;
    // It is opened here, and read there alone.
    let file = File::open(path).map_err(|error| KeyFileError::unreadable(path, &error).to_string())?;
    let question = Question::Load {
        path: path.display().to_string(),
    };
    has(process.ask(&question, Some(file.as_fd()))?)
}

fn has((answer, generation): (Answer, u64)) -> Result<(Known, PublicKey), String> {
    match answer {
        Answer::Has { key, public } => Ok((Known { generation, key }, public)),
        Answer::Done | Answer::Failed(_) => Err("the process that holds keys answers something else".to_owned()),
    }
}

fn forget(process: &KeyProcess, known: Known) {
    // Where it fails, that process is gone, and the key with it.
    let _ = process.ask_about(known.generation, &Question::Forget { key: known.key }, &[]);
}

impl Drop for HeldKey {
    fn drop(&mut self) {
        forget(&self.process, self.known());
    }
}

impl RemoteKey for HeldKey {
    fn name(&self) -> String {
        match &self.path {
            Some(path) => path.display().to_string(),
            None => "a key that was made".to_owned(),
        }
    }

    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, way: Way, message: &[u8]) -> Result<Vec<u8>, String> {
        let Known { generation, key } = self.now()?;
        let question = Question::Sign { key, way };
        let signature = self.process.ask_about(generation, &question, message)?;
        let expected = match self.public.kind {
            KeyKind::Rsa => !signature.is_empty(),
            KeyKind::P256 | KeyKind::Ed25519 => signature.len() == 64,
            KeyKind::P384 => signature.len() == 96,
        };
        if expected {
            Ok(signature)
        } else {
            Err("the process that holds keys gave no signature".to_owned())
        }
    }
}
