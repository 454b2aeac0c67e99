//! The process that holds keys, from its beginning to its end.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustls_pki_types::PrivateKeyDer;

use super::software::SoftwareKey;
use super::wire::{self, Answer, Question};
use crate::boundary::enter_with_keys;
use crate::keys::held_key;
use crate::keys::public::KeyKind;
use crate::limits::seed;

/// The largest file of a key, in bytes.
const LARGEST: u64 = 256 << 10;

/// Is that process until its parent has no more use for it. Call it first of all.
pub(crate) fn run() -> ExitCode {
    // What is signed first waits for no entropy.
    let Ok((control, links)) = enter_with_keys(seed) else {
        return ExitCode::FAILURE;
    };
    let keys = Arc::<Keys>::default();
    for link in links {
        let keys = Arc::clone(&keys);
        let served = link.set_nonblocking(false).and_then(|()| {
            let thread = std::thread::Builder::new().name("keys".into());
            thread.spawn(move || keys.serve(&link))
        });
        if served.is_err() {
            return ExitCode::FAILURE;
        }
    }
    // It says nothing: this is the end.
    let waited = control.set_nonblocking(false);
    let _ = waited.and_then(|()| (&control).read(&mut [0; 1]));
    // What is under way has nobody to hear of it.
    std::process::exit(0)
}

/// The keys, by their numbers.
#[derive(Default)]
struct Keys {
    held: RwLock<HashMap<u64, Arc<SoftwareKey>>>,
    last: AtomicU64,
}

impl Keys {
    /// Answers until the link ends.
    fn serve(&self, link: &UnixStream) {
        while let Ok((question, body, file)) = wire::asked(link) {
            let answered = match self.answer(question, &body, file) {
                Ok((answer, body)) => wire::answer(link, &answer, &body),
                Err(why) => wire::answer(link, &Answer::Failed(why), &[]),
            };
            if answered.is_err() {
                return;
            }
        }
    }

    fn answer(&self, question: Question, body: &[u8], file: Option<OwnedFd>) -> Result<(Answer, Vec<u8>), String> {
        Ok(match question {
            Question::Load { path } => (self.load(&path, file)?, Vec::new()),
            Question::Make { kind } => (self.make(kind, file)?, Vec::new()),
            Question::Sign { key, way } => {
                let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
                let key = held.get(&key).cloned().ok_or("there is no such key")?;
                drop(held);
                (Answer::Done, key.sign(way, body)?)
            }
            Question::Forget { key } => {
                self.held.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
                (Answer::Done, Vec::new())
            }
        })
    }

    fn load(&self, path: &str, file: Option<OwnedFd>) -> Result<Answer, String> {
        let file = File::from(file.ok_or("its file did not come")?);
        let mut pem = Vec::new();
        let read = file.take(LARGEST).read_to_end(&mut pem);
        read.map_err(|error| format!("{path}: {error}"))?;
        let private = held_key(&pem, Path::new(path)).map_err(|error| error.to_string())?;
        let key = SoftwareKey::of(&private).ok_or_else(|| {
            format!(
                "{path}: it is a private key that can not be used: RSA from 2048 bits on, P-256, P-384 and Ed25519 can"
            )
        })?;
        self.keep(key)
    }

    fn make(&self, kind: KeyKind, file: Option<OwnedFd>) -> Result<Answer, String> {
        let pair = rcgen::KeyPair::generate_for(kind.certificates()).map_err(|error| error.to_string())?;
        if let Some(file) = file {
            let written = write(File::from(file), &pair.serialize_pem());
            written.map_err(|error| format!("a new key can not be written: {error}"))?;
        }
        let private = PrivateKeyDer::try_from(pair.serialize_der()).map_err(ToOwned::to_owned)?;
        self.keep(SoftwareKey::of(&private).ok_or("a new key can not be used")?)
    }

    fn keep(&self, key: SoftwareKey) -> Result<Answer, String> {
        let public = key.public()?;
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(number, Arc::new(key));
        Ok(Answer::Has { key: number, public })
    }
}

fn write(mut file: File, pem: &str) -> io::Result<()> {
    file.write_all(pem.as_bytes())
}
