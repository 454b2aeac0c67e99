//! ES modules that call `require()`: packages have such files for bundlers alone, by the field `module` of their `package.json`.

use oxc_ast::ast::Program;
use oxc_semantic::SemanticBuilder;

/// Whether a script calls a `require` that nothing in it declares. `packaged`: what bundlers make passes it on (`__require`), and packages'
/// own do with it; a worker's own files do without, as such a call would find nothing in a bundle either.
pub(super) fn requires(source: &str, program: &Program<'_>, packaged: bool) -> bool {
    let is_plain = |at: usize| {
        let before = source[..at].chars().next_back();
        packaged || !before.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '$' | '.'))
    };
    let calls = |call: &str| source.match_indices(call).any(|(at, _)| is_plain(at));
    if !calls("require(\"") && !calls("require('") {
        return false;
    }
    let semantic = SemanticBuilder::new().build(program).semantic;
    let mut unresolved = semantic.scoping().root_unresolved_references().keys();
    unresolved.any(|name| name.as_str() == "require")
}

/// What such a module begins with, in its first line.
pub(super) const REQUIRE: &str = "import { createRequire as $createRequire } from \"node:module\"; const require = $createRequire(import.meta.url); ";

/// Such a module's code with a `require`, in its first line, and its source map.
pub(super) fn with_require(source: &str) -> (String, String) {
    let code = format!("{REQUIRE}{source}");
    let lines = ";AACA".repeat(source.matches('\n').count());
    let map =
        serde_json::json!({ "version": 3, "sources": ["bundled"], "names": [], "mappings": format!("AAAA{lines}") });
    (code, map.to_string())
}
