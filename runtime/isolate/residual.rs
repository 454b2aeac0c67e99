//! The program's scripts that are in no snapshot, and V8's compiled code of them: in the process, and in the owner's cache.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use workerd_lite_ops::residual::ResidualScripts;

use super::modules::cache::{self, Key};

/// By where a source is: each is in the program once, and what is kept of it for as long as the process is there.
static COMPILED: LazyLock<RwLock<HashMap<usize, Kept>>> = LazyLock::new(RwLock::default);

/// What is kept of a source, if anything.
type Kept = Option<&'static [u8]>;

/// All of them, for any isolate.
pub(super) struct Scripts;

fn key(source: &str) -> Key {
    Key::of("residual", &[source.as_bytes()])
}

fn place(source: &'static str) -> usize {
    source.as_ptr().addr()
}

fn remember(source: &'static str, compiled: Kept) {
    let mut table = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
    table.insert(place(source), compiled);
}

impl ResidualScripts for Scripts {
    fn source(&self, specifier: &str) -> Option<&'static str> {
        let scripts = workerd_lite_js::RESIDUAL_SCRIPTS;
        let index = scripts.binary_search_by(|(name, _)| (*name).cmp(specifier)).ok()?;
        Some(scripts[index].1)
    }

    fn compiled(&self, source: &'static str) -> Option<&'static [u8]> {
        let known = {
            let table = COMPILED.read().unwrap_or_else(PoisonError::into_inner);
            table.get(&place(source)).copied()
        };
        known.unwrap_or_else(|| {
            let kept = cache::bytes(&key(source)).map(|bytes| &*bytes.leak());
            remember(source, kept);
            kept
        })
    }

    fn keep(&self, source: &'static str, compiled: &[u8]) {
        cache::keep(&key(source), compiled);
        // Never given back: there are as many as the program has scripts.
        remember(source, Some(&*compiled.to_vec().leak()));
    }
}
