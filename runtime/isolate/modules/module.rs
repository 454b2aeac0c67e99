//! One module of a worker, and where modules may come from.

use super::built::Built;
use super::bundling::Bundling;
use super::node_modules::NodeModules;
use super::patterns::Patterns;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

/// The fragment of a URL that names a module's source: what `import source` gives of WebAssembly.
pub(in crate::isolate) const SOURCE: &str = "source";

/// Where a worker's modules may come from.
#[derive(Debug, Clone, Default)]
pub struct Confinement {
    /// The folder that every module must be in, symbolic links followed.
    pub root: PathBuf,
    /// The folder within it that modules come from, packages apart; all of it without.
    pub own: Option<PathBuf>,
    /// Files that it may not read all the same: the policy's, for an agent.
    pub forbidden: HashSet<PathBuf>,
    /// What may be imported as text, as JSON or as bytes.
    pub data: Data,
    /// Which of Node's modules are there.
    pub node: NodeModules,
    /// Whether packages of `root` are a part of it too that a `node_modules` in `own` or above it links to.
    pub links: bool,
    /// Whether the process that reads them may open nothing else, where the system can see to that.
    pub sealed: bool,
    /// What its project says of imports.
    pub bundling: Bundling,
    /// A file that is read as if it had another text.
    pub overlay: Option<Arc<Overlay>>,
}

/// A text in a file's place: what tests change is in no file.
#[derive(Debug, Clone)]
pub struct Overlay {
    /// The file, symbolic links resolved.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Which files may be imported as data.
#[derive(Debug, Clone)]
pub enum Data {
    /// Those of the usual types, and what these patterns match by the path within the worker's folder.
    Listed(Patterns),
    /// Each that the worker may read.
    Any,
}

impl Default for Data {
    fn default() -> Self {
        Self::Listed(Patterns::default())
    }
}

/// What a module holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An ES module.
    Script(String),
    /// JSON, checked when it is imported.
    Json(String),
    /// Text.
    Text(String),
    /// WebAssembly, compiled when it is imported.
    Wasm(Arc<[u8]>),
    /// Bytes.
    Data(Arc<[u8]>),
}

/// One module.
#[derive(Debug, Clone)]
pub struct Module {
    /// Its path within the project, as messages show it.
    pub name: String,
    /// Its file, symbolic links resolved.
    pub path: PathBuf,
    /// What it holds.
    pub content: Content,
    /// Whether its script is CommonJS: a function's body, sloppy.
    pub commonjs: bool,
    /// What its author wrote, where that is TypeScript or JSX.
    pub original: Option<Original>,
    /// Where its text comes from, where that was built and somebody wants to know.
    pub built: Option<Arc<Built>>,
}

/// The source of a transpiled module.
#[derive(Debug, Clone)]
pub struct Original {
    /// The text.
    pub text: String,
    /// The source map, as JSON.
    pub map: String,
}

impl Module {
    /// The text that its author wrote; nothing of what is no text.
    pub fn text(&self) -> &str {
        if let Some(original) = &self.original {
            return &original.text;
        }
        match &self.content {
            Content::Script(text) | Content::Json(text) | Content::Text(text) => text,
            Content::Wasm(_) | Content::Data(_) => "",
        }
    }

    /// The bytes of its file.
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Wasm(bytes) | Content::Data(bytes) => bytes,
            _ => self.text().as_bytes(),
        }
    }
}

/// Whether a file is machine code for Node.js, by its name.
pub(super) fn is_addon(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension == "node")
}
