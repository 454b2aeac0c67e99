//! Files that are written for a page in a browser. A worker has none: no `document`, no `DOMParser`, no `XMLHttpRequest`.

use std::path::Path;

use oxc_allocator::Allocator;
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;

use super::nesting::is_too_deep;

/// Globals of pages that no worker has.
const NAMES: [&str; 3] = ["document", "DOMParser", "XMLHttpRequest"];

/// The longest file that is looked into, in bytes. What is longer is taken as it is named.
const LONGEST: u64 = 4 << 20;

/// Whether a file does its work by a page: it uses one of these globals, and nowhere asks by `typeof` whether there is one.
pub(super) fn needs_page(file: &Path) -> bool {
    text(file).is_some_and(|source| NAMES.iter().any(|name| uses(&source, name, false)))
}

/// Whether a file is an ES module that requires others, which bundlers alone understand.
pub(super) fn needs_bundler(file: &Path) -> bool {
    text(file).is_some_and(|source| uses(&source, "require", true))
}

fn text(file: &Path) -> Option<String> {
    let about = std::fs::metadata(file).ok()?;
    let is_short = about.is_file() && about.len() <= LONGEST;
    is_short.then(|| std::fs::read_to_string(file).ok()).flatten()
}

/// Whether a global of this name is used, unasked for; where it matters, in an ES module.
fn uses(source: &str, name: &str, module_only: bool) -> bool {
    if !source.contains(name) || is_too_deep(source) {
        return false;
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::unambiguous()).parse();
    if module_only && !parsed.module_record.has_module_syntax {
        return false;
    }
    let semantic = SemanticBuilder::new().build(&parsed.program).semantic;
    let mut unresolved = semantic.scoping().root_unresolved_references().keys();
    unresolved.any(|key| key.as_str() == name) && !asks_for(source, name)
}

/// Whether there is a `typeof` of a name.
fn asks_for(source: &str, name: &str) -> bool {
    source
        .split("typeof")
        .skip(1)
        .any(|rest| rest.trim_start_matches([' ', '(', '\t', '\n']).starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses_page(source: &str) -> bool {
        NAMES.iter().any(|name| uses(source, name, false))
    }

    #[test]
    fn what_uses_a_page_is_known_from_what_asks_for_one() {
        for source in [
            "export const parse = (text) => new DOMParser().parseFromString(text, 'text/xml');",
            "let open; module.exports = () => (open ??= document.implementation.createHTMLDocument(''));",
            "export const ask = () => { const request = new XMLHttpRequest(); request.open('GET', '/'); };",
            "if (typeof window !== 'undefined') document.write('');",
        ] {
            assert!(uses_page(source), "{source}");
        }
        for source in [
            "export default fetch;",
            "// By the document's own text.\nexport const document = 1;",
            "export const has = typeof document !== 'undefined' && document.body;",
            "export const has = typeof (DOMParser) === 'function' ? new DOMParser() : null;",
            "export const write = (document) => document.write('');",
            "export const has = globalThis.document?.body;",
            "export default 'document';",
            "document.(",
        ] {
            assert!(!uses_page(source), "{source}");
        }
    }
}
