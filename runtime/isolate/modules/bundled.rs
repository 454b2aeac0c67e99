//! ES modules that call `require()`: packages have such files for bundlers alone, by the field `module` of their `package.json`.

use oxc_ast::ast::Program;
use oxc_semantic::SemanticBuilder;

/// Whether a script calls a `require` that nothing in it declares. What bundlers make passes it on: such scripts do without.
pub(super) fn requires(source: &str, program: &Program<'_>) -> bool {
    if !source.contains("require('") && !source.contains("require(\"") {
        return false;
    }
    let semantic = SemanticBuilder::new().build(program).semantic;
    let mut unresolved = semantic.scoping().root_unresolved_references().keys();
    unresolved.any(|name| name.as_str() == "require")
}

/// Such a module's code with a `require`, in its first line, and its source map.
pub(super) fn with_require(source: &str) -> (String, String) {
    let code = format!(
        "import {{ createRequire as $createRequire }} from \"node:module\"; const require = $createRequire(import.meta.url); {source}"
    );
    let lines = ";AACA".repeat(source.matches('\n').count());
    let map =
        serde_json::json!({ "version": 3, "sources": ["bundled"], "names": [], "mappings": format!("AAAA{lines}") });
    (code, map.to_string())
}
