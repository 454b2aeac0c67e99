//! What a script imports, and whether it is JavaScript at all. Both are known before any of it runs.

use std::ops::Range;
use std::path::Path;

use oxc_allocator::Allocator;
use oxc_ast::ast::{ImportAttributeKey, ImportPhase, Statement, WithClause};
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_diagnostics::{OxcDiagnostic, Severity};
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::{SourceType, Span};
use oxc_transformer::{JsxOptions, JsxRuntime, TransformOptions, Transformer};
use serde::{Deserialize, Serialize};

use super::cache::{self, Key};

use crate::isolate::StartupError;

/// One import with a literal name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Import {
    pub(super) specifier: String,
    /// The `type` attribute.
    pub(super) kind: Option<String>,
    /// The bytes of the specifier in the source.
    pub(super) span: Range<usize>,
    /// `import()` in an expression, which fails when it runs rather than at the start.
    pub(super) dynamic: bool,
    /// `import source`: of WebAssembly the compiled module.
    pub(super) source: bool,
}

/// What one module is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Parsed {
    pub(super) imports: Vec<Import>,
    /// The JavaScript that runs, with its source map, where the source is TypeScript or JSX.
    pub(super) transpiled: Option<(String, String)>,
    /// Whether it has `import` or `export`.
    pub(super) is_module: bool,
}

/// How JSX is meant: <https://www.typescriptlang.org/tsconfig/#jsx>.
#[derive(Debug, Default)]
pub(super) struct Jsx {
    /// Calls of a factory, instead of an imported runtime.
    pub(super) classic: bool,
    /// Whose runtime is imported.
    pub(super) import_source: Option<String>,
    /// The factory.
    pub(super) factory: Option<String>,
    /// What a fragment is made by.
    pub(super) fragment: Option<String>,
}

impl Jsx {
    fn options(&self) -> JsxOptions {
        JsxOptions {
            runtime: if self.classic {
                JsxRuntime::Classic
            } else {
                JsxRuntime::Automatic
            },
            import_source: self.import_source.clone().filter(|_| !self.classic),
            pragma: self.factory.clone().filter(|_| self.classic),
            pragma_frag: self.fragment.clone().filter(|_| self.classic),
            ..JsxOptions::enable()
        }
    }
}

/// What [`parse`] makes of a module, from the cache where it was made before.
pub(super) fn parsed(name: &str, source: &str, jsx: &Jsx) -> Result<Parsed, StartupError> {
    // The source map names the file.
    let file = Path::new(name).file_name().unwrap_or_default();
    let jsx_key = format!("{jsx:?}");
    let key = Key::of(
        "parsed",
        &[file.as_encoded_bytes(), source.as_bytes(), jsx_key.as_bytes()],
    );
    if let Some(parsed) = cache::value(&key) {
        return Ok(parsed);
    }
    let parsed = parse(name, source, jsx)?;
    cache::keep_value(&key, &parsed);
    Ok(parsed)
}

/// Parses one module by its file's extension, and strips its types. An error shows the author's line.
fn parse(name: &str, source: &str, jsx: &Jsx) -> Result<Parsed, StartupError> {
    let allocator = Allocator::default();
    let path = Path::new(name);
    let kind = SourceType::from_path(path)
        .unwrap_or_else(|_| SourceType::mjs())
        .with_module(true);
    let parsed = Parser::new(&allocator, source, kind).parse();
    check(name, source, parsed.diagnostics.iter())?;
    let dynamic = parsed.module_record.dynamic_imports.iter().filter_map(|import| {
        let text = &source[range(import.module_request)];
        Some(Import {
            specifier: literal(text)?.to_owned(),
            kind: dynamic_type(&source[range(import.span)]),
            span: range(import.module_request),
            dynamic: true,
            source: source[range(import.span)].starts_with("import.source"),
        })
    });
    let dynamic: Vec<Import> = dynamic.collect();
    let is_module = parsed.module_record.has_module_syntax;
    let mut program = parsed.program;
    let transpiled = if kind.is_typescript() || kind.is_jsx() {
        let scoping = SemanticBuilder::new()
            .with_enum_eval(true)
            .build(&program)
            .semantic
            .into_scoping();
        let options = TransformOptions {
            jsx: jsx.options(),
            ..TransformOptions::default()
        };
        let transformed = Transformer::new(&allocator, path, &options).build_with_scoping(scoping, &mut program);
        check(name, source, transformed.diagnostics.iter())?;
        let options = CodegenOptions {
            source_map_path: path.file_name().map(Into::into),
            ..CodegenOptions::default()
        };
        let generated = Codegen::new()
            .with_options(options)
            .with_source_text(source)
            .build(&program);
        let map = generated.map.map(|map| map.to_json_string()).unwrap_or_default();
        Some((generated.code, map))
    } else {
        None
    };
    let mut imports = Vec::new();
    for statement in &program.body {
        let (literal, with, phase) = match statement {
            Statement::ImportDeclaration(import) => (&import.source, &import.with_clause, import.phase),
            Statement::ExportAllDeclaration(export) => (&export.source, &export.with_clause, None),
            Statement::ExportFromDeclaration(export) => (&export.source, &export.with_clause, None),
            _ => continue,
        };
        imports.push(Import {
            specifier: literal.value.to_string(),
            kind: with.as_deref().and_then(type_attribute),
            span: range(literal.span),
            dynamic: false,
            source: phase == Some(ImportPhase::Source),
        });
    }
    imports.extend(dynamic);
    Ok(Parsed {
        imports,
        transpiled,
        is_module,
    })
}

fn check<'a>(
    name: &str,
    source: &str,
    mut diagnostics: impl Iterator<Item = &'a OxcDiagnostic>,
) -> Result<(), StartupError> {
    let Some(error) = diagnostics.find(|diagnostic| diagnostic.severity == Severity::Error) else {
        return Ok(());
    };
    let language = match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("ts" | "mts" | "tsx") => "TypeScript",
        _ => "JavaScript",
    };
    let mut startup = StartupError::new(format!("{name} is not valid {language}: {}", error.message));
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
    Err(startup)
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
        let found: Vec<_> = parse("x.js", source, &Jsx::default())
            .unwrap()
            .imports
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
    fn types_are_stripped_and_their_imports_with_them() {
        let source = "import type { A } from './types'; import { B, c } from './b'; enum E { X = 'x' }\nexport const d = (e: A): B => c<B>(E.X as any)!;";
        let parsed = parse("x.ts", source, &Jsx::default()).unwrap();
        let names: Vec<_> = parsed.imports.iter().map(|import| import.specifier.as_str()).collect();
        assert_eq!(names, ["./b"]);
        let (code, map) = parsed.transpiled.unwrap();
        assert!(!code.contains("as any") && code.contains("import { c }"), "{code}");
        assert!(map.contains("\"x.ts\""), "{map}");
        let error = parse("x.ts", "const a: = 1", &Jsx::default()).unwrap_err();
        assert!(error.to_string().starts_with("x.ts is not valid TypeScript"), "{error}");
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let error = parse("x.js", "export default {\n  fetch( {\n", &Jsx::default()).unwrap_err();
        assert!(error.to_string().starts_with("x.js is not valid JavaScript"), "{error}");
        assert!(miette::Diagnostic::labels(&error).is_some());
    }
}
