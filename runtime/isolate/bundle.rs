//! A worker's modules as the files of its `/bundle`: those of its own graph, as their authors wrote them.

use std::cell::OnceCell;
use std::sync::Arc;

use workerd_lite_ops::node::files::ModuleFiles;

use super::modules::Graph;

/// The modules of one graph.
pub(super) struct Bundle {
    graph: Arc<Graph>,
    urls: OnceCell<Vec<String>>,
}

impl Bundle {
    pub(super) fn new(graph: Arc<Graph>) -> Self {
        Self {
            graph,
            urls: OnceCell::new(),
        }
    }

    fn urls(&self) -> &[String] {
        self.urls.get_or_init(|| {
            let urls = self.graph.entries().map(|(url, _)| url);
            // What is made of a module has a query.
            let files = urls.filter(|url| url.starts_with("file:///") && !url.contains(['?', '#']));
            files.map(ToOwned::to_owned).collect()
        })
    }
}

impl ModuleFiles for Bundle {
    fn list(&self) -> Vec<(String, usize)> {
        let file = |url: &String| {
            let name = self.graph.by_url(url).map(|module| module.name.clone());
            (name.unwrap_or_default(), self.graph.written(url).map_or(0, <[u8]>::len))
        };
        self.urls().iter().map(file).collect()
    }

    fn bytes(&self, index: usize) -> Option<&[u8]> {
        self.graph.written(self.urls().get(index)?)
    }
}
