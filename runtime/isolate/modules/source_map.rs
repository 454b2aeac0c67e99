//! Source maps: positions in transpiled code as positions in what its author wrote.

use std::collections::HashMap;

use sourcemap::SourceMap;

use super::Graph;

/// The authors' places of one stack: each map is read once for it.
pub(in super::super) struct Originals<'a> {
    graph: &'a Graph,
    maps: HashMap<String, Option<SourceMap>>,
}

impl<'a> Originals<'a> {
    pub(in super::super) fn of(graph: &'a Graph) -> Self {
        Self {
            graph,
            maps: HashMap::new(),
        }
    }

    /// A line of a stack such as `f (file:///src/a.ts:3:10)` with the author's place. Nothing where it is that already.
    pub(in super::super) fn position(&mut self, site: &str) -> Option<String> {
        let start = site.find("file:///")?;
        let (before, rest) = site.split_at(start);
        let (place, after) = rest.split_at(rest.find(')').unwrap_or(rest.len()));
        let mut parts = place.rsplitn(3, ':');
        let column: u32 = parts.next()?.parse().ok()?;
        let line: u32 = parts.next()?.parse().ok()?;
        let url = parts.next()?;
        let (line, column) = (line.checked_sub(1)?, column.checked_sub(1)?);
        let written = self
            .map(url)
            .and_then(|map| map.lookup_token(line, column))
            .map(|token| (token.get_src_line(), token.get_src_col()));
        // What was transpiled here may have been built before.
        let (line, column) = written.unwrap_or((line, column));
        let built = self.graph.by_url(url).and_then(|module| module.built.as_ref());
        if let Some((name, line, column)) = built.and_then(|built| built.place(line, column)) {
            return Some(format!("{before}file:///{name}:{}:{}{after}", line + 1, column + 1));
        }
        written.map(|(line, column)| format!("{before}{url}:{}:{}{after}", line + 1, column + 1))
    }

    fn map(&mut self, url: &str) -> Option<&SourceMap> {
        if !self.maps.contains_key(url) {
            let original = self.graph.by_url(url).and_then(|module| module.original.as_ref());
            let map = original.and_then(|original| SourceMap::from_slice(original.map.as_bytes()).ok());
            self.maps.insert(url.to_owned(), map);
        }
        self.maps.get(url)?.as_ref()
    }
}
