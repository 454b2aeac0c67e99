//! Source maps: positions in transpiled code as positions in what its author wrote.

use super::Graph;

impl Graph {
    /// A line of a stack such as `f (file:///src/a.ts:3:10)` with the author's place. Nothing where it is that already.
    pub(in super::super) fn original_position(&self, site: &str) -> Option<String> {
        let start = site.find("file:///")?;
        let (before, rest) = site.split_at(start);
        let (place, after) = rest.split_at(rest.find(')').unwrap_or(rest.len()));
        let mut parts = place.rsplitn(3, ':');
        let column: u32 = parts.next()?.parse().ok()?;
        let line: u32 = parts.next()?.parse().ok()?;
        let url = parts.next()?;
        let original = self.by_url(url)?.original.as_ref()?;
        let map = sourcemap::SourceMap::from_slice(original.map.as_bytes()).ok()?;
        let token = map.lookup_token(line.checked_sub(1)?, column.checked_sub(1)?)?;
        let (line, column) = (token.get_src_line() + 1, token.get_src_col() + 1);
        Some(format!("{before}{url}:{line}:{column}{after}"))
    }
}
