//! What is asked of a process that reads modules, and what it tells, as data. Paths are bytes: a file's name may be no text.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::super::bundling::{Bundling, FileType};
use super::super::given::{GivenKind, GivenModule};
use super::super::graph::Graph;
use super::super::module::{Confinement, Data};
use super::super::node_modules::NodeModules;
use super::super::patterns::Patterns;
use super::super::shipped::ShippedGraph;

/// A path.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CarriedPath(Vec<u8>);

impl CarriedPath {
    pub(super) fn into_path(self) -> PathBuf {
        OsString::from_vec(self.0).into()
    }
}

impl From<&Path> for CarriedPath {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }
}

/// Where a worker's modules may come from: a [`Confinement`] without what tests put into it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CarriedConfinement {
    root: CarriedPath,
    own: Option<CarriedPath>,
    forbidden: Vec<CarriedPath>,
    /// Nothing where any file may be imported as data.
    data: Option<Patterns>,
    node: NodeModules,
    links: bool,
    sealed: bool,
    types: Vec<(Patterns, FileType)>,
    aliases: BTreeMap<String, String>,
    defines: BTreeMap<String, String>,
    folder: CarriedPath,
    maps: bool,
}

impl CarriedConfinement {
    pub(super) fn of(confinement: &Confinement) -> Self {
        let bundling = &confinement.bundling;
        Self {
            root: (&*confinement.root).into(),
            own: confinement.own.as_deref().map(Into::into),
            forbidden: confinement.forbidden.iter().map(|path| (&**path).into()).collect(),
            data: match &confinement.data {
                Data::Listed(patterns) => Some(patterns.clone()),
                Data::Any => None,
            },
            node: confinement.node,
            links: confinement.links,
            sealed: confinement.sealed,
            types: bundling.types.clone(),
            aliases: bundling.aliases.clone(),
            defines: bundling.defines.clone(),
            folder: (&*bundling.folder).into(),
            maps: bundling.maps,
        }
    }

    pub(super) fn open(self) -> Confinement {
        let forbidden: HashSet<PathBuf> = self.forbidden.into_iter().map(CarriedPath::into_path).collect();
        Confinement {
            root: self.root.into_path(),
            own: self.own.map(CarriedPath::into_path),
            forbidden,
            data: self.data.map_or(Data::Any, Data::Listed),
            node: self.node,
            links: self.links,
            sealed: self.sealed,
            bundling: Bundling {
                types: self.types,
                aliases: self.aliases,
                defines: self.defines,
                folder: self.folder.into_path(),
                maps: self.maps,
            },
            overlay: None,
        }
    }
}

/// A module that is given. Its bytes are text where they are that, and base64 else.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CarriedGiven {
    name: String,
    kind: GivenKind,
    content: CarriedBytes,
}

#[derive(Debug, Serialize, Deserialize)]
enum CarriedBytes {
    Text(String),
    Base64(String),
}

impl From<GivenModule> for CarriedGiven {
    fn from(module: GivenModule) -> Self {
        let content = match std::str::from_utf8(&module.bytes) {
            Ok(text) => CarriedBytes::Text(text.to_owned()),
            Err(_) => CarriedBytes::Base64(BASE64_STANDARD.encode(&module.bytes)),
        };
        Self {
            name: module.name,
            kind: module.kind,
            content,
        }
    }
}

impl CarriedGiven {
    pub(super) fn open(self) -> Result<GivenModule, base64::DecodeError> {
        let bytes = match self.content {
            CarriedBytes::Text(text) => text.into_bytes(),
            CarriedBytes::Base64(text) => BASE64_STANDARD.decode(text)?,
        };
        Ok(GivenModule {
            name: self.name,
            kind: self.kind,
            bytes: bytes.into(),
        })
    }

    /// How much there is to read, in bytes.
    pub(super) fn length(&self) -> usize {
        match &self.content {
            CarriedBytes::Text(text) | CarriedBytes::Base64(text) => text.len(),
        }
    }
}

/// Modules, with the files that they were read from.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CarriedGraph {
    graph: ShippedGraph,
    /// By the modules' URLs.
    files: Vec<(String, CarriedPath)>,
    failed: Vec<CarriedPath>,
}

impl From<&Graph> for CarriedGraph {
    fn from(graph: &Graph) -> Self {
        let files = graph.modules.iter();
        Self {
            graph: graph.into(),
            files: files
                .map(|(url, module)| (url.clone(), (&*module.path).into()))
                .collect(),
            failed: graph.failed_files.iter().map(|path| (&**path).into()).collect(),
        }
    }
}

impl CarriedGraph {
    /// Fails where they are not what another process would have given.
    pub(super) fn open(self) -> Result<Graph, String> {
        let mut graph = self.graph.open()?;
        for (url, file) in self.files {
            if let Some(module) = graph.modules.get_mut(&url) {
                module.path = file.into_path();
            }
        }
        graph.failed_files = self.failed.into_iter().map(CarriedPath::into_path).collect();
        Ok(graph)
    }
}
