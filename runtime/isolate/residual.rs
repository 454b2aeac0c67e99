//! The program's scripts that are in no snapshot, and V8's compiled code of them: in the process, and in the owner's cache.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use workerd_lite_ops::residual::ResidualScripts;

use super::modules::cache::{self, Key};

/// By specifier: what is kept of each script, if anything.
static COMPILED: LazyLock<RwLock<HashMap<String, Kept>>> = LazyLock::new(RwLock::default);

type Kept = Option<Arc<[u8]>>;

/// All of them, for any isolate.
pub(super) struct Scripts;

/// The digest stands for the texts of all, so that none is read for its key.
fn key(specifier: &str) -> Key {
    Key::of(
        "residual",
        &[workerd_lite_js::RESIDUAL_DIGEST.as_bytes(), specifier.as_bytes()],
    )
}

fn remember(specifier: &str, compiled: Kept) {
    let mut table = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
    table.insert(specifier.to_owned(), compiled);
}

impl ResidualScripts for Scripts {
    fn source(&self, specifier: &str) -> Option<&'static str> {
        let scripts = workerd_lite_js::RESIDUAL_SCRIPTS;
        let index = scripts.binary_search_by(|(name, _)| (*name).cmp(specifier)).ok()?;
        Some(scripts[index].1)
    }

    fn compiled(&self, specifier: &str) -> Option<Arc<[u8]>> {
        let known = {
            let table = COMPILED.read().unwrap_or_else(PoisonError::into_inner);
            table.get(specifier).cloned()
        };
        known.unwrap_or_else(|| {
            let kept = cache::bytes(&key(specifier)).map(Arc::from);
            remember(specifier, kept.clone());
            kept
        })
    }

    fn keep(&self, specifier: &str, compiled: &[u8]) {
        cache::keep(&key(specifier), compiled);
        remember(specifier, Some(Arc::from(compiled)));
    }
}
