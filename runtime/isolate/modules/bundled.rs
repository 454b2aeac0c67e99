//! ES modules that use what CommonJS has: packages have such files for bundlers alone, by the field `module` of their `package.json`, and bundlers leave what
//! they do not know where it is.

use oxc_ast::ast::Program;
use oxc_semantic::SemanticBuilder;
use serde::{Deserialize, Serialize};

use super::import::Import;
use super::resolve::node_module;

/// Which names of CommonJS's an ES module is given.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) require: bool,
    filename: bool,
    dirname: bool,
}

impl Given {
    /// The names that a script uses and that nothing in it declares. `packaged`: packages' own `__require("a")`, as bundlers write it, is given one as well.
    pub(super) fn of(source: &str, program: &Program<'_>, packaged: bool) -> Self {
        let uses = Self {
            require: calls_require(source, packaged),
            filename: uses(source, "__filename"),
            dirname: uses(source, "__dirname"),
        };
        if uses == Self::default() {
            return uses;
        }
        let semantic = SemanticBuilder::new().build(program).semantic;
        let unresolved = semantic.scoping().root_unresolved_references();
        let is_free = |wanted: &str| unresolved.keys().any(|name| name.as_str() == wanted);
        Self {
            require: uses.require && is_free("require"),
            filename: uses.filename && is_free("__filename"),
            dirname: uses.dirname && is_free("__dirname"),
        }
    }

    pub(super) fn any(self) -> bool {
        self != Self::default()
    }

    /// What such a module begins with, in its first line. Its files are in `/bundle`, as CommonJS has them.
    pub(super) fn prelude(self) -> String {
        let mut prelude = String::new();
        if self.require {
            prelude.push_str("import { createRequire as $createRequire } from \"node:module\"; const require = $createRequire(import.meta.url); ");
        }
        if self.filename || self.dirname {
            prelude.push_str("import { fileURLToPath as $fileURLToPath } from \"node:url\"; ");
        }
        if self.filename {
            prelude.push_str("const __filename = \"/bundle\" + $fileURLToPath(import.meta.url); ");
        }
        if self.dirname {
            prelude.push_str(
                "const __dirname = \"/bundle\" + $fileURLToPath(new URL(\".\", import.meta.url)).slice(0, -1); ",
            );
        }
        prelude
    }

    /// What the prelude imports.
    pub(super) fn imports(self) -> impl Iterator<Item = Import> {
        let url = self.filename || self.dirname;
        let names = [
            (self.require, "node:module", "createRequire"),
            (url, "node:url", "fileURLToPath"),
        ];
        names
            .into_iter()
            .filter(|(used, ..)| *used)
            .map(|(_, module, name)| Import {
                names: vec![name.to_owned()],
                ..Import::named(module.to_owned())
            })
    }

    /// Such a module's code with these names, in its first line, and its source map.
    pub(super) fn with(self, source: &str) -> (String, String) {
        let code = format!("{}{source}", self.prelude());
        let lines = ";AACA".repeat(source.matches('\n').count());
        let map = serde_json::json!({ "version": 3, "sources": ["bundled"], "names": [], "mappings": format!("AAAA{lines}") });
        (code, map.to_string())
    }
}

/// Whether a script calls `require("a")`. What bundlers make passes it on (`__require`), where it finds what Node.js has; a package's own may find more.
fn calls_require(source: &str, packaged: bool) -> bool {
    ["require(\"", "require('"].into_iter().any(|call| {
        source.match_indices(call).any(|(at, _)| {
            let before = source[..at].chars().next_back();
            let is_plain = !before.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '$' | '.'));
            let named = &source[at + call.len()..];
            let name = named.find(['"', '\'']).map(|end| &named[..end]);
            let is_builtin = source[..at].ends_with("__") && name.is_some_and(|name| node_module(name).is_some());
            packaged || is_plain || is_builtin
        })
    })
}

/// Whether a script does more with a name than to ask whether it is there.
fn uses(source: &str, name: &str) -> bool {
    source.matches(name).count() > source.matches(&format!("typeof {name}")).count()
}
