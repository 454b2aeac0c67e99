//! What a script imports, and whether it is JavaScript at all. Both are known before any of it runs.

use std::ops::Range;

use oxc_allocator::Allocator;
use oxc_ast::ast::{ImportAttributeKey, Statement, WithClause};
use oxc_diagnostics::Severity;
use oxc_parser::Parser;
use oxc_span::{SourceType, Span};

use crate::isolate::StartupError;

/// One import with a literal name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) specifier: String,
    /// The `type` attribute.
    pub(super) kind: Option<String>,
    /// The bytes of the specifier in the source.
    pub(super) span: Range<usize>,
    /// `import()` in an expression, which fails when it runs rather than at the start.
    pub(super) dynamic: bool,
}

/// Parses one module. An error shows the author's line.
pub(super) fn imports(name: &str, source: &str) -> Result<Vec<Import>, StartupError> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::mjs()).parse();
    let error = parsed
        .diagnostics
        .iter()
        .find(|diagnostic| diagnostic.severity == Severity::Error);
    if let Some(error) = error {
        let mut startup = StartupError::new(format!("{name} is not valid JavaScript: {}", error.message));
        if let Some(label) = error.labels.first() {
            let (start, length) = (label.offset() as usize, label.len() as usize);
            startup = startup.at(
                name,
                source,
                start..start + length,
                label.label().map(ToOwned::to_owned),
            );
        }
        if let Some(help) = &error.help {
            startup = startup.with_help(help.to_string());
        }
        return Err(startup);
    }
    let mut imports = Vec::new();
    for statement in &parsed.program.body {
        let (literal, with) = match statement {
            Statement::ImportDeclaration(import) => (&import.source, &import.with_clause),
            Statement::ExportAllDeclaration(export) => (&export.source, &export.with_clause),
            Statement::ExportFromDeclaration(export) => (&export.source, &export.with_clause),
            _ => continue,
        };
        imports.push(Import {
            specifier: literal.value.to_string(),
            kind: with.as_deref().and_then(type_attribute),
            span: range(literal.span),
            dynamic: false,
        });
    }
    for import in &parsed.module_record.dynamic_imports {
        let text = &source[range(import.module_request)];
        if let Some(specifier) = literal(text) {
            imports.push(Import {
                specifier: specifier.to_owned(),
                kind: dynamic_type(&source[range(import.span)]),
                span: range(import.module_request),
                dynamic: true,
            });
        }
    }
    Ok(imports)
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

fn type_attribute(with: &WithClause<'_>) -> Option<String> {
    with.with_entries.iter().find_map(|entry| {
        let key = match &entry.key {
            ImportAttributeKey::Identifier(key) => key.name.as_str(),
            ImportAttributeKey::StringLiteral(key) => key.value.as_str(),
        };
        (key == "type").then(|| entry.value.value.to_string())
    })
}

/// A string literal without escapes. Anything else is computed, and so no part of the graph.
fn literal(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains(['\\', '$', quote])).then_some(inner)
}

/// The type in `import("./x.md", { with: { type: "text" } })`.
fn dynamic_type(call: &str) -> Option<String> {
    let options = &call[call.find('{')?..];
    ["text", "json"]
        .into_iter()
        .find(|kind| options.contains(&format!("\"{kind}\"")) || options.contains(&format!("'{kind}'")))
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_import_is_found() {
        let source = r#"
            import a from "./a.js";
            import text from "./b.md" with { type: "text" };
            export * from './c.js';
            export { d } from "./d.js";
            const e = () => import("./e.js");
            const computed = (name) => import("./" + name);
        "#;
        let found: Vec<_> = imports("x.js", source)
            .unwrap()
            .into_iter()
            .map(|import| (import.specifier, import.kind, import.dynamic))
            .collect();
        let expected = [
            ("./a.js", None, false),
            ("./b.md", Some("text"), false),
            ("./c.js", None, false),
            ("./d.js", None, false),
            ("./e.js", None, true),
        ];
        let expected: Vec<_> = expected
            .map(|(name, kind, dynamic)| (name.to_owned(), kind.map(ToOwned::to_owned), dynamic))
            .into();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let error = imports("x.js", "export default {\n  fetch( {\n").unwrap_err();
        assert!(error.to_string().starts_with("x.js is not valid JavaScript"), "{error}");
        assert!(miette::Diagnostic::labels(&error).is_some());
    }
}
