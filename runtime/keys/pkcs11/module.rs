//! The libraries that know tokens, each loaded and initialised once for the process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};

/// Where distributions keep modules, besides where libraries are.
const FOLDERS: [&str; 8] = [
    "/usr/lib/pkcs11",
    "/usr/lib64/pkcs11",
    concat!("/usr/lib/", "x86_64-linux-gnu", "/pkcs11"),
    concat!("/usr/lib/", "aarch64-linux-gnu", "/pkcs11"),
    "/usr/lib/softhsm",
    "/usr/lib64/softhsm",
    "/usr/local/lib/softhsm",
    "/opt/homebrew/lib",
];

/// How often a module is initialised anew at most: the way to have it look for tokens again.
const RESTARTS: Duration = Duration::from_secs(1);

/// A module. What is asked of it holds the lock for reading, so that it is not taken away under a call.
pub(super) struct Module {
    name: String,
    state: RwLock<State>,
}

pub(super) struct State {
    pub(super) context: Pkcs11,
    /// How often it was initialised: sessions of an earlier time are no more.
    pub(super) generation: u64,
    started: Instant,
}

impl Module {
    /// The module of this name, or at this path.
    pub(super) fn load(name: &str) -> Result<Arc<Self>, String> {
        static LOADED: LazyLock<Mutex<HashMap<PathBuf, Arc<Module>>>> = LazyLock::new(Mutex::default);
        let path = find(name);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = loaded.get(&path) {
            return Ok(Arc::clone(module));
        }
        let module = Arc::new(Self {
            name: name.to_owned(),
            state: RwLock::new(State {
                context: start(name, &path)?,
                generation: 0,
                started: Instant::now(),
            }),
        });
        loaded.insert(path, Arc::clone(&module));
        Ok(module)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks it something.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&State) -> T) -> T {
        ask(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has it look for tokens again, unless it has just done so since `generation`. False where it is too early.
    pub(super) fn look_again(&self, generation: u64) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.generation != generation {
            return true;
        }
        if state.started.elapsed() < RESTARTS {
            return false;
        }
        // Of the crate's clones none is asked now: they are asked under the lock.
        let _ = state.context.clone().finalize();
        state.generation += 1;
        state.started = Instant::now();
        initialise(&state.context).is_ok()
    }
}

fn start(name: &str, path: &Path) -> Result<Pkcs11, String> {
    let context = Pkcs11::new(path).map_err(|error| {
        format!("the module {name:?} can not be loaded: {error}. Install it, or give its path as `module`")
    })?;
    initialise(&context).map_err(|error| format!("the module {name:?} can not be started: {error}"))?;
    Ok(context)
}

fn initialise(context: &Pkcs11) -> Result<(), Error> {
    match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        other => other,
    }
}

/// A path as it is; a name in the folders of modules, or left to the system's search for libraries.
fn find(name: &str) -> PathBuf {
    if name.contains('/') {
        return name.into();
    }
    // RFC 7512's `module-name` has neither of these.
    let names = [name.to_owned(), format!("{name}.so"), format!("lib{name}.so")];
    let found = FOLDERS
        .iter()
        .flat_map(|folder| names.iter().map(move |name| Path::new(folder).join(name)))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| name.into())
}
