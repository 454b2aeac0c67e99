//! Files that are written for a page in a browser. A worker has none: no `document`, no `DOMParser`, no `XMLHttpRequest`.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};

use nodejs_built_in_modules::is_nodejs_builtin_module;
use oxc_allocator::Allocator;
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;

use super::nesting::is_too_deep;
use super::relative::beside;
use crate::bounded_file;

/// Globals of pages that no worker has.
const NAMES: [&str; 9] = [
    "document",
    "DOMParser",
    "FileReader",
    "HTMLElement",
    "IDBIndex",
    "indexedDB",
    "localStorage",
    "sessionStorage",
    "XMLHttpRequest",
];

/// The longest file that is looked into, in bytes. What is longer is taken as it is named.
const LONGEST: u64 = 4 << 20;

/// How many files of a package are looked into, from one on.
const MOST: usize = 128;

/// What a package's files may leave out of the names of others.
const ENDS: [&str; 6] = ["", ".js", ".mjs", ".cjs", "/index.js", "/index.mjs"];

/// Whether a file works by a page, or one of those of its package in `folder` that it names.
pub(super) fn needs_page(files: impl IntoIterator<Item = PathBuf>, folder: &Path) -> bool {
    let mut next: VecDeque<PathBuf> = files.into_iter().collect();
    let mut seen: HashSet<PathBuf> = next.iter().cloned().collect();
    let firsts = seen.clone();
    let mut left = MOST;
    while let Some(file) = next.pop_front() {
        let Some(source) = text(&file) else { continue };
        let works = if firsts.contains(&file) {
            works_by_page
        } else {
            part_works_by_page
        };
        if works(&source) {
            return true;
        }
        left -= 1;
        if left == 0 {
            return false;
        }
        for found in relative(&source).filter_map(|specifier| named(folder, &file, specifier)) {
            if seen.insert(found.clone()) {
                // Of many, those that are for browsers by their names tell most.
                let name = found.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if name.contains("rowser") {
                    next.push_front(found);
                } else {
                    next.push_back(found);
                }
            }
        }
    }
    false
}

/// The file of a package that one of its files names.
pub(super) fn named(folder: &Path, file: &Path, specifier: &str) -> Option<PathBuf> {
    let path = beside(folder, file, specifier)?;
    let mut ends = ENDS.iter().map(|end| PathBuf::from(format!("{}{end}", path.display())));
    ends.find(|path| path.is_file())
}

/// Whether a script works by a page or by what a bundler makes of it: it uses one of these globals, and nowhere asks by `typeof` whether there is
/// one; it knows where it was loaded from; or it takes WebAssembly for a module with names.
fn works_by_page(source: &str) -> bool {
    beginning(source).starts_with("throw new ") || part_works_by_page(source)
}

/// The same of a script that another one names: what throws at once may be mapped to something else there.
fn part_works_by_page(source: &str) -> bool {
    let has_window = source.contains("window.addEventListener(") || passes_window_on(source);
    uses(source, NAMES.into_iter().chain(has_window.then_some("window")))
        || source.contains("self.location.href")
        || (source.contains("require.ensure") && !asks_for(source, "require.ensure"))
        || makes_request(source)
        // What is tried where there is no other.
        || source.contains("Microsoft.XMLHTTP")
        || is_platforms_own(source)
        || refuses_browsers(source)
        // A module of a loader's for pages.
        || beginning(source).starts_with("define(")
        // What builds for browsers were made without.
        || source.contains("is not available in the build")
        || imports_wasm_by_names(source)
}

fn text(file: &Path) -> Option<String> {
    bounded_file::read_to_string(file, LONGEST).ok()
}

/// Whether a global of one of these names is used, unasked for.
fn uses<'a>(source: &str, names: impl Iterator<Item = &'a str>) -> bool {
    let names = names.filter(|name| source.contains(name) && !asks_for(source, name));
    let names: Vec<&str> = names.collect();
    if names.is_empty() || is_too_deep(source) {
        return false;
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::unambiguous()).parse();
    let semantic = SemanticBuilder::new().build(&parsed.program).semantic;
    let mut unresolved = semantic.scoping().root_unresolved_references().keys();
    unresolved.any(|key| names.contains(&key.as_str()))
}

/// Whether there is a `typeof` of a name: not of a member of it, which fails where there is none.
fn asks_for(source: &str, name: &str) -> bool {
    source.split("typeof").skip(1).any(|rest| {
        let rest = rest.trim_start_matches([' ', '(', '\t', '\n']).strip_prefix(name);
        rest.is_some_and(|rest| !rest.starts_with('.'))
    })
}

/// `(window, …)`: whoever is called has no other way to a page.
fn passes_window_on(source: &str) -> bool {
    source.contains("(window,") || source.contains("(window)") || source.contains(", window)")
}

/// `new root.XMLHttpRequest()`.
fn makes_request(source: &str) -> bool {
    let mut before = source
        .match_indices(".XMLHttpRequest(")
        .filter_map(|(at, _)| source.get(..at));
    before.any(|before| {
        let of = ["window", "self", "root", "globalThis", "global"];
        let object = of.iter().find_map(|name| before.strip_suffix(name));
        object.is_some_and(|rest| rest.ends_with("new "))
    }) && !asks_for(source, "XMLHttpRequest")
}

/// Whether a script throws errors that say that something does not work in a browser.
fn refuses_browsers(source: &str) -> bool {
    const BEFORE: usize = 320;
    const BETWEEN: usize = 24;
    let says = [
        "not supported",
        "not implemented",
        "not available",
        "not work",
        "n't work",
        "unsupported",
    ];
    let mut named = source.match_indices("browser").map(|(at, _)| at);
    named.any(|at| {
        let before = last(&source[..at], BEFORE);
        let said = says
            .iter()
            .filter_map(|words| before.rfind(words).map(|at| at + words.len()));
        let Some(said) = said.max().filter(|said| before.len() - said <= BETWEEN) else {
            return false;
        };
        // In one statement with what is thrown.
        let thrown = before.rfind("throw ").or_else(|| before.rfind("throw("));
        thrown.is_some_and(|thrown| thrown < said && !before[thrown..].contains(';'))
    })
}

/// Whether a file holds the place of one that browsers do without: it exports nothing but `null`.
pub(super) fn is_nothing(file: &Path) -> bool {
    only_line(file).is_some_and(|line| matches!(line.as_str(), "export default null" | "module.exports = null"))
}

/// The same by a function without a body.
pub(super) fn does_nothing(file: &Path) -> bool {
    only_line(file).is_some_and(|line| {
        let value = line
            .strip_prefix("module.exports = ")
            .or_else(|| line.strip_prefix("export default "));
        value.is_some_and(|value| {
            let value: String = value.split_whitespace().collect();
            value == "()=>{}" || (value.starts_with("function") && value.ends_with("(){}"))
        })
    })
}

/// Whether a file passes on a module of Node's, or a member of one, and does nothing else.
pub(super) fn passes_node_on(file: &Path) -> bool {
    let Some(line) = only_line(file) else { return false };
    let name = line.strip_prefix("module.exports = require(").and_then(|rest| {
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        rest.get(1..)?.split(quote).next()
    });
    name.is_some_and(is_nodejs_builtin_module)
}

/// The one line of a script of some 200 bytes at most, without its end, comments of whole lines and directives.
fn only_line(file: &Path) -> Option<String> {
    const SHORT: u64 = 199;
    let source = bounded_file::read_to_string(file, SHORT).ok()?;
    let mut lines = source
        .lines()
        .map(|line| line.trim().trim_end_matches(';'))
        .filter(|line| {
            !line.starts_with("//") && !line.is_empty() && !matches!(*line, "'use strict'" | "\"use strict\"")
        });
    let line = lines.next().filter(|_| lines.next().is_none())?;
    Some(line.to_owned())
}

/// A script from its first statement on, comments and directives apart.
fn beginning(source: &str) -> &str {
    let mut rest = source.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start();
        let directive = ["'use strict'", "\"use strict\""]
            .iter()
            .find_map(|text| rest.strip_prefix(text));
        rest = if let Some(after) = rest.strip_prefix("//") {
            after.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(after) = rest.strip_prefix("/*") {
            after.split_once("*/").map_or("", |(_, after)| after)
        } else if let Some(after) = directive {
            after.trim_start_matches(';')
        } else {
            return rest;
        };
    }
}

/// The end of a text, of that many bytes at most.
fn last(text: &str, most: usize) -> &str {
    let from = text.ceil_char_boundary(text.len().saturating_sub(most));
    &text[from..]
}

/// `module.exports = exports = self.fetch`: it passes the page's own on, whose bodies are no streams of Node's. `self.FormData` likewise,
/// which has neither `getHeaders()` nor a place for a `Buffer`.
fn is_platforms_own(source: &str) -> bool {
    let mut after = source
        .match_indices("module.exports = ")
        .filter_map(|(at, found)| source.get(at + found.len()..));
    after.any(|rest| {
        let rest = rest.strip_prefix("exports = ").unwrap_or(rest);
        let rest = rest
            .strip_prefix("typeof self === 'object' ? ")
            .or_else(|| rest.strip_prefix("typeof self == 'object' ? "))
            .unwrap_or(rest);
        let end = rest.find([';', '\n', ' ']).unwrap_or(rest.len());
        let is_own = |name: &str| rest[..end].strip_suffix(name).is_some_and(|of| !of.is_empty());
        is_own(".fetch") || is_own(".FormData")
    })
}

/// `import * as wasm from "./a.wasm"`: of Workers' modules there is the `default` export.
fn imports_wasm_by_names(source: &str) -> bool {
    let ends = [".wasm\"", ".wasm'"];
    let mut found = ends.iter().flat_map(|end| source.match_indices(end));
    found.any(|(at, _)| {
        let statement = source.get(..at).and_then(|before| before.rfind("import"));
        let statement = statement.and_then(|start| source.get(start..at));
        statement.is_some_and(|text| text["import".len()..].trim_start().starts_with('*') && !text.contains(';'))
    })
}

/// The texts in a script that begin as names of files beside it do.
fn relative(source: &str) -> impl Iterator<Item = &str> {
    source.match_indices(['"', '\'']).filter_map(|(at, quote)| {
        let rest = source.get(at + 1..)?;
        if !rest.starts_with("./") && !rest.starts_with("../") {
            return None;
        }
        let end = rest.bytes().take(256).position(|byte| byte == quote.as_bytes()[0])?;
        rest.get(..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globals_of_pages_count_where_nothing_asks_for_them() {
        for source in [
            "export const parse = (text) => new DOMParser().parseFromString(text, 'text/xml');",
            "let open; module.exports = () => (open ??= document.implementation.createHTMLDocument(''));",
            "module.exports = function () { return new XMLHttpRequest(); };",
            "if (typeof window !== 'undefined') document.write('');",
            "exports.get = () => { if (root.XMLHttpRequest) return new root.XMLHttpRequest(); throw new Error('none'); };",
            "import * as wasm from \"./a_bg.wasm\"; export const f = () => wasm.f();",
            "module.exports = function () { return require.ensure.apply(require, arguments); };",
            "'use strict';\n\nmodule.exports = function () {\n  throw new Error(\n    'a does not work in the browser.'\n  );\n};\n",
            "const all = self; module.exports = exports = all.fetch; exports.Headers = all.Headers;",
            "module.exports = typeof self === 'object' ? self.FormData : window.FormData;",
            "function load() { throw new Error(`${name} is not supported in the browser environment`); }",
            "try { return new XMLHttpRequest(); } catch {} return new globalThis[['Active', 'Object'].join('X')]('Microsoft.XMLHTTP');",
            "/* a */ 'use strict';\n// b\nthrow new Error('Node alone. Do not bundle it');",
            "const read = (blob, done) => { const reader = new FileReader(); reader.onload = done; reader.readAsDataURL(blob); };",
            "define((function () { return {}; }));",
            "export const done = (act) => { window.addEventListener('beforeunload', act); };",
            "!function (root, make) { root.joi = make(); }(window, function () {});",
            "const has = (value) => value instanceof IDBIndex;",
            "module.exports = load(window, () => { if (typeof window.Promise === 'undefined') throw new Error('none'); });",
            "load() { throw Error('Fonts are not implemented for the browser, but those that are there') }",
        ] {
            assert!(works_by_page(source), "{source}");
        }
        for source in [
            "// By the document's own text.\nexport const document = 1;",
            "export const has = typeof document !== 'undefined' && document.body;",
            "export const has = typeof (DOMParser) === 'function' ? new DOMParser() : null;",
            "export const write = (document) => document.write('');",
            "export const has = globalThis.document?.body;",
            "export default 'document';",
            "module.exports = { fetch: globalThis.fetch }; module.exports.default = client.fetcher;",
            "export const done = (act) => { if (typeof window === 'object') window.addEventListener('beforeunload', act); };",
            "document.(",
            "// What is not supported in the browser\nif (!ok) throw new Error('none');",
            "if (typeof define === 'function' && define.amd) define([], make); else module.exports = make();",
            "if (!ok) throw new Error('not supported'); const name = 'browser';",
            "const global = (() => { try { return self || window; } catch { return {}; } })();",
            "import wasm from './a.wasm'; import * as b from './b.js';",
            "const has = typeof XMLHttpRequest === 'function'; export const get = () => new self.XMLHttpRequest();",
        ] {
            assert!(!works_by_page(source), "{source}");
        }
    }
}
