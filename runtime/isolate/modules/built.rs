//! Source maps of scripts that were built: places in what a bundler wrote as places in what its author wrote. They are read where somebody
//! develops, and not where agents are served: a map is parsed whole, and is what its author says it is.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deno_core::url::Url;
use sourcemap::{DecodedMap, SourceMap};

/// The most bytes that a map may have, and the most places in it.
pub(super) const LARGEST: u64 = 16 << 20;
const PLACES: u32 = 4_000_000;

/// What begins the comment that names a script's map: <https://tc39.es/ecma426/#sec-linking-inline>.
const COMMENT: &str = "//# sourceMappingURL=";

/// The media type of a map within its script.
const INLINE: &str = "data:application/json;";

/// The map of a script that was built.
#[derive(Debug)]
pub struct Built {
    /// As it was read, for another process.
    json: String,
    map: SourceMap,
    /// The names of its sources, as a project's files are named.
    names: Vec<String>,
}

/// Where a script's map is.
pub(super) enum Link<'a> {
    /// In the script itself: this is it.
    Inline(String),
    /// In a file, by its URL relative to the script's.
    File(&'a str),
}

impl<'a> Link<'a> {
    /// Where a script says that its map is: in its last such comment, as bundles have those of their parts, too.
    pub(super) fn of(script: &'a str) -> Option<Self> {
        let at = script.rfind(COMMENT)? + COMMENT.len();
        let link = script[at..].split_ascii_whitespace().next()?;
        let Some(inline) = link.strip_prefix(INLINE) else {
            return Some(Self::File(link)).filter(|_| !link.starts_with("data:"));
        };
        let (_, encoded) = inline.rsplit_once("base64,")?;
        let json = BASE64_STANDARD.decode(encoded).ok()?;
        String::from_utf8(json).ok().map(Self::Inline)
    }
}

impl Built {
    /// The map of the script of that name. Nothing where it is none, or is too large.
    pub(super) fn of(script: &str, json: String) -> Option<Self> {
        if json.len() as u64 > LARGEST {
            return None;
        }
        let map = match sourcemap::decode_slice(json.as_bytes()).ok()? {
            DecodedMap::Regular(map) => map,
            DecodedMap::Index(index) => index.flatten().ok()?,
            DecodedMap::Hermes(_) => return None,
        };
        if map.get_token_count() > PLACES {
            return None;
        }
        let base = Url::from_file_path(format!("/{script}")).ok()?;
        let named = |source: &str| match base.join(source) {
            Ok(url) => url.path().trim_start_matches('/').to_owned(),
            Err(_) => source.to_owned(),
        };
        let names = map.sources().map(named).collect();
        Some(Self { json, map, names })
    }

    /// The map as it was read.
    pub(super) fn json(&self) -> &str {
        &self.json
    }

    /// The author's place of one in the script, all from 0: the file, the line and the column.
    pub(super) fn place(&self, line: u32, column: u32) -> Option<(&str, u32, u32)> {
        let token = self.map.lookup_token(line, column)?;
        // What the bundler wrote itself is in no source.
        if token.get_dst_line() != line || !token.has_source() {
            return None;
        }
        let name = self.names.get(usize::try_from(token.get_src_id()).ok()?)?;
        Some((name, token.get_src_line(), token.get_src_col()))
    }

    /// The text of a source of that name, where the map has it.
    pub(in crate::isolate) fn text(&self, name: &str) -> Option<&str> {
        let source = self.names.iter().position(|known| known == name)?;
        self.map.get_source_contents(u32::try_from(source).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"{"version":3,"sources":["../src/app.ts","webpack:///./src/b.ts"],"sourcesContent":["a\nb\nc",null],"names":[],"mappings":"AAEE,SACA"}"#;

    #[test]
    fn places_are_the_authors() {
        let built = Built::of("dist/app.js", MAP.to_owned()).unwrap();
        assert_eq!(built.place(0, 0), Some(("src/app.ts", 2, 2)));
        assert_eq!(built.place(0, 12), Some(("src/app.ts", 3, 2)));
        assert_eq!(built.place(1, 0), None);
        assert_eq!(built.text("src/app.ts"), Some("a\nb\nc"));
        assert_eq!(built.text("src/b.ts"), None);
        assert!(Built::of("a.js", "{}".repeat(3)).is_none());
    }

    #[test]
    fn the_last_comment_names_the_map() {
        let file = |script| match Link::of(script) {
            Some(Link::File(file)) => Some(file.to_owned()),
            _ => None,
        };
        assert_eq!(
            file("a\n//# sourceMappingURL=x.map\nb\n//# sourceMappingURL=y.map\n").as_deref(),
            Some("y.map")
        );
        assert_eq!(file("a"), None);
        assert_eq!(file("//# sourceMappingURL=data:text/plain,x"), None);
        let inline = Link::of("//# sourceMappingURL=data:application/json;charset=utf-8;base64,e30=");
        assert!(matches!(inline, Some(Link::Inline(json)) if json == "{}"));
    }
}
