//! Modules as one process gives them to another that has no files: all that was read, and what was found out about it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deno_core::url::Url;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use workerd_lite_ops::webassembly::OwnModules;

use super::built::Built;
use super::failure::ImportFailure;
use super::graph::Graph;
use super::mocked::Mocked;
use super::module::{Content, Module, Original};
use super::node_modules::NodeModules;
use super::requirable::{Names, Requirable};

/// A [`Graph`] as data.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShippedGraph {
    main: Url,
    modules: Vec<(String, ShippedModule)>,
    builtins: BTreeSet<String>,
    node: NodeModules,
    resolved: Vec<Edge>,
    failures: Vec<((String, Option<String>), ShippedFailure)>,
    sha256: String,
    required: Vec<Edge>,
    urls: HashMap<String, String>,
    exports: HashMap<String, Names>,
    packages: BTreeMap<String, Value>,
    /// Sizes and digests of its WebAssembly, which was found where it was read.
    wasm: Vec<(usize, [u8; 32])>,
}

/// Who imports, by which name, and what that is.
type Edge = ((String, String), Result<Url, ShippedFailure>);

#[derive(Debug, Serialize, Deserialize)]
struct ShippedModule {
    name: String,
    kind: Kind,
    /// Text as it is, bytes in base64.
    content: String,
    commonjs: bool,
    /// What its author wrote, and the source map.
    original: Option<(String, String)>,
    /// The map of what it was built from.
    built: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Kind {
    Script,
    Json,
    Text,
    Wasm,
    Data,
}

#[derive(Debug, Serialize, Deserialize)]
struct ShippedFailure {
    syntax: bool,
    message: String,
}

impl From<&ImportFailure> for ShippedFailure {
    fn from(failure: &ImportFailure) -> Self {
        Self {
            syntax: failure.is_syntax(),
            message: failure.to_string(),
        }
    }
}

impl From<ShippedFailure> for ImportFailure {
    fn from(failure: ShippedFailure) -> Self {
        if failure.syntax {
            Self::syntax(failure.message)
        } else {
            Self::unavailable(failure.message)
        }
    }
}

impl From<&Module> for ShippedModule {
    fn from(module: &Module) -> Self {
        let (kind, content) = match &module.content {
            Content::Script(text) => (Kind::Script, text.clone()),
            Content::Json(text) => (Kind::Json, text.clone()),
            Content::Text(text) => (Kind::Text, text.clone()),
            Content::Wasm(bytes) => (Kind::Wasm, BASE64_STANDARD.encode(bytes)),
            Content::Data(bytes) => (Kind::Data, BASE64_STANDARD.encode(bytes)),
        };
        let original = module.original.as_ref();
        Self {
            name: module.name.clone(),
            kind,
            content,
            commonjs: module.commonjs,
            original: original.map(|original| (original.text.clone(), original.map.clone())),
            built: module.built.as_ref().map(|built| built.json().to_owned()),
        }
    }
}

impl ShippedModule {
    /// Fails where it is no base64.
    fn open(self) -> Result<Module, base64::DecodeError> {
        let bytes = |text: &str| BASE64_STANDARD.decode(text).map(Arc::from);
        Ok(Module {
            content: match self.kind {
                Kind::Script => Content::Script(self.content),
                Kind::Json => Content::Json(self.content),
                Kind::Text => Content::Text(self.content),
                Kind::Wasm => Content::Wasm(bytes(&self.content)?),
                Kind::Data => Content::Data(bytes(&self.content)?),
            },
            built: self.built.and_then(|json| Built::of(&self.name, json)).map(Arc::new),
            name: self.name,
            // Where it was read is nothing for whom it is given to.
            path: PathBuf::new(),
            commonjs: self.commonjs,
            original: self.original.map(|(text, map)| Original { text, map }),
        })
    }
}

fn edges(edges: &HashMap<(String, String), Result<Url, ImportFailure>>) -> Vec<Edge> {
    let edge = |(from, to): (&(String, String), &Result<Url, ImportFailure>)| {
        let to = match to {
            Ok(url) => Ok(url.clone()),
            Err(failure) => Err(failure.into()),
        };
        (from.clone(), to)
    };
    edges.iter().map(edge).collect()
}

fn opened(edges: Vec<Edge>) -> HashMap<(String, String), Result<Url, ImportFailure>> {
    edges
        .into_iter()
        .map(|(from, to)| (from, to.map_err(Into::into)))
        .collect()
}

impl From<&Graph> for ShippedGraph {
    fn from(graph: &Graph) -> Self {
        let failures = graph.failures.iter();
        let required = &graph.requirable;
        let packages = required.packages.iter();
        Self {
            main: graph.main.clone(),
            modules: graph
                .entries()
                .map(|(url, module)| (url.to_owned(), module.into()))
                .collect(),
            builtins: graph.builtins.clone(),
            node: graph.node,
            resolved: edges(&graph.resolved),
            failures: failures.map(|(what, why)| (what.clone(), why.into())).collect(),
            sha256: graph.sha256.clone(),
            required: edges(&required.edges),
            urls: required.urls.clone(),
            exports: required.exports.clone(),
            packages: packages
                .map(|(folder, package)| (folder.clone(), (**package).clone()))
                .collect(),
            wasm: graph.wasm.digests().collect(),
        }
    }
}

impl ShippedGraph {
    /// The modules. Fails where they are not what another process would have given.
    pub(crate) fn open(self) -> Result<Graph, String> {
        let modules = self.modules.into_iter();
        let modules: Result<BTreeMap<_, _>, _> = modules
            .map(|(url, module)| module.open().map(|module| (url, module)))
            .collect();
        let modules = modules.map_err(|error| error.to_string())?;
        let packages = self.packages.into_iter();
        Ok(Graph {
            wasm: OwnModules::new(self.wasm.into_iter()),
            main: self.main,
            modules,
            builtins: self.builtins,
            node: self.node,
            resolved: opened(self.resolved),
            failures: self
                .failures
                .into_iter()
                .map(|(what, why)| (what, why.into()))
                .collect(),
            // No file of them is there.
            failed_files: BTreeSet::new(),
            sha256: self.sha256,
            requirable: Arc::new(Requirable {
                edges: opened(self.required),
                urls: self.urls,
                exports: self.exports,
                packages: packages.map(|(folder, package)| (folder, Arc::new(package))).collect(),
            }),
            mocked: Mocked::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::module::Confinement;
    use super::*;

    #[test]
    fn what_arrives_is_what_was_read() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            (
                "main.ts",
                "import './a.cjs'; import t from './t.txt'; import './d.bin'; import('./gone.js'); export default t as string;",
            ),
            (
                "a.cjs",
                "exports.x = require('./b.json'); try { require('gone'); } catch {}",
            ),
            ("b.json", "{}"),
            ("t.txt", "text"),
            ("d.bin", "bytes"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let confinement = Confinement {
            root: folder.path().to_owned(),
            ..Confinement::default()
        };
        let graph = Graph::load(&folder.path().join("main.ts"), &confinement).unwrap();
        let sent = serde_json::to_string(&ShippedGraph::from(&graph)).unwrap();
        assert!(!sent.contains(folder.path().to_str().unwrap()), "{sent}");
        let arrived = serde_json::from_str::<ShippedGraph>(&sent).unwrap().open().unwrap();
        assert_eq!(arrived.sha256(), graph.sha256());
        assert_eq!(arrived.modules().count(), graph.modules().count());
        // Maps have no order.
        let sorted = |graph: &Graph| {
            let value = serde_json::to_value(ShippedGraph::from(graph)).unwrap();
            let mut texts: Vec<String> = value.as_object().unwrap().values().map(ToString::to_string).collect();
            for text in &mut texts {
                let mut bytes = std::mem::take(text).into_bytes();
                bytes.sort_unstable();
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
            texts
        };
        assert_eq!(sorted(&arrived), sorted(&graph));
    }
}
