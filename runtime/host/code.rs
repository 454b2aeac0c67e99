//! An agent's code: read before it is served, or when it is first needed.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::OnceCell;
use workerd_lite_ops::account::AgentId;

use crate::isolate::StartupError;
use crate::isolate::modules::Graph;
use crate::isolate::modules::reading::aside;
use crate::reloadable::{Stamp, stamp};

/// How many of an agent's modules are looked at for changes.
const SEEN: usize = 64;

type Read = dyn Fn() -> Result<Graph, StartupError> + Send + Sync;

/// Where an agent's modules are.
#[derive(Debug, Clone, Default)]
pub struct Code(Option<Arc<Unread>>);

/// Modules that are read once, by whichever thread needs them first.
struct Unread {
    read: Box<Read>,
    graph: OnceCell<Arc<Graph>>,
    /// The agent's own files, as they were when they had been read.
    seen: OnceLock<(Vec<PathBuf>, Stamp)>,
}

impl Unread {
    fn read(&self) -> Result<Arc<Graph>, StartupError> {
        let graph = (self.read)()?;
        let own = graph
            .files()
            .filter(|file| !file.iter().any(|part| part == "node_modules"));
        let files: Vec<PathBuf> = own.take(SEEN).map(ToOwned::to_owned).collect();
        let seen = stamp(&files);
        let _ = self.seen.set((files, seen));
        Ok(Arc::new(graph))
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread")
            .field("read", &self.graph.initialized())
            .finish_non_exhaustive()
    }
}

impl Code {
    /// It is read when it is needed; once more where that fails.
    pub(crate) fn later(read: impl Fn() -> Result<Graph, StartupError> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Unread {
            read: Box::new(read),
            graph: OnceCell::new(),
            seen: OnceLock::new(),
        })))
    }

    /// Reads it where it is not read yet, in its agent's turn. Nothing where it never was to be.
    pub(super) async fn read(&self, whose: &AgentId) -> Result<Option<Arc<Graph>>, StartupError> {
        let Some(unread) = &self.0 else { return Ok(None) };
        let reader = Arc::clone(unread);
        let read = || async {
            // Somebody waits for it: it runs as what it is for does, where blocking jobs run below.
            let read = aside(whose, move || reader.read()).await;
            read.unwrap_or_else(|| Err(StartupError::new("the worker's modules could not be read")))
        };
        Ok(Some(Arc::clone(unread.graph.get_or_try_init(read).await?)))
    }

    /// Whether the files that were read are as they were then.
    pub(super) fn is_whole(&self) -> bool {
        let seen = self.0.as_ref().and_then(|unread| unread.seen.get());
        seen.is_none_or(|(files, seen)| stamp(files) == *seen)
    }

    /// What was read. `known` is that of code which is not read later.
    pub(super) fn graph<'a>(&'a self, known: &'a Arc<Graph>) -> Option<&'a Arc<Graph>> {
        match &self.0 {
            Some(unread) => unread.graph.get(),
            None => Some(known),
        }
    }
}
