//! What a script imports, and whether it is JavaScript at all. Both are known before any of it runs.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use oxc_allocator::Allocator;
use oxc_ast::ast::{ImportAttributeKey, ImportDeclarationSpecifier, ImportPhase, Program, Statement, WithClause};
use oxc_parser::{Parser, ParserReturn};
use oxc_span::{GetSpan as _, SourceType, Span};
use serde::{Deserialize, Serialize};

use super::bundled::Given;
use super::cache::{self, Key};
use super::compiler::CompilerOptions;
use super::exports::Exports;
use super::file_names::FileNames;
use super::import::{Import, TYPE};
use super::members::Members;
use super::named_exports::exported;
use super::nesting::is_too_deep;
use super::requires::{Found as Required, Pattern};
use super::scopes::Format;
use super::syntax::Syntax;
use super::syntax_error::check;
use super::transpile::transpile;
use crate::isolate::StartupError;

/// What one module is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Parsed {
    pub(super) imports: Vec<Import>,
    /// The JavaScript that runs, with its source map, where V8 does not take the source as it is.
    pub(super) transpiled: Option<(String, String)>,
    /// What it requires by literal names.
    pub(super) requires: Vec<Import>,
    /// What it requires by names of which a part is literal.
    pub(super) patterns: Vec<Pattern>,
    /// Whether it requires something by a name of which nothing is known.
    #[serde(default)]
    pub(super) computed: bool,
    /// What it imports by such names.
    pub(super) imported_patterns: Vec<Pattern>,
    /// Names of files that it may read.
    pub(super) data: Vec<String>,
    /// What of CommonJS's it uses, where it is an ES module, as bundlers take it.
    pub(super) given: Given,
    /// What it exports, where it is a CommonJS module.
    pub(super) commonjs: Option<Exports>,
    /// Names that it exports and that are nothing when it runs, where it is an ES module of TypeScript.
    pub(super) types: BTreeSet<String>,
    /// The script with constants in the place of names, where that is not the source.
    #[serde(skip)]
    pub(super) defined: Option<String>,
}

/// What [`parse`] makes of a module, from the cache where it was made before.
pub(super) fn parsed(
    name: &str,
    source: &str,
    format: Format,
    options: &CompilerOptions,
) -> Result<Parsed, StartupError> {
    // The source map names the file.
    let file = Path::new(name).file_name().unwrap_or_default();
    let options_key = format!("{format:?} {options:?}");
    let key = Key::of(
        "parsed7",
        &[file.as_encoded_bytes(), source.as_bytes(), options_key.as_bytes()],
    );
    if let Some(parsed) = cache::value(&key) {
        return Ok(parsed);
    }
    let parsed = parse(name, source, format, options)?;
    cache::keep_value(&key, &parsed);
    Ok(parsed)
}

/// Parses one module by its file's extension, and makes JavaScript of it that V8 takes. An error shows the author's line.
pub(super) fn parse(
    name: &str,
    source: &str,
    format: Format,
    options: &CompilerOptions,
) -> Result<Parsed, StartupError> {
    if is_too_deep(source) {
        return Err(StartupError::new(format!(
            "{name} can not be read: its expressions or statements are nested too deeply"
        )));
    }
    let allocator = Allocator::default();
    let kind = source_type(name);
    let parsed = by_format(&allocator, source, kind, format);
    check(name, source, parsed.diagnostics.iter()).map_err(|error| {
        let is_typescript = || {
            let kind = SourceType::tsx().with_module(true);
            Parser::new(&allocator, source, kind).parse().diagnostics.is_empty()
        };
        if !kind.is_typescript() && is_typescript() {
            error.with_help("It is TypeScript: such a file's name ends in .ts or .tsx.")
        } else {
            error
        }
    })?;
    let mut program = parsed.program;
    let is_module = program.source_type.is_module();
    let kind = program.source_type;
    let syntax = Syntax::of(&program);
    if let Some((span, what)) = &syntax.unsupported {
        return Err(
            StartupError::new(format!("{name} uses {what}, which workerd-lite does not run")).at(
                name,
                source,
                range(*span),
                Some("here".to_owned()),
            ),
        );
    }
    let mut types = if kind.is_typescript() && is_module {
        exported(&program)
    } else {
        BTreeSet::new()
    };
    let transpiled = if kind.is_typescript() || syntax.jsx || syntax.decorators || syntax.accessors {
        Some(transpile(
            &allocator,
            name,
            source,
            kind,
            &mut program,
            &syntax,
            options,
        )?)
    } else {
        None
    };
    if !types.is_empty() {
        let values = exported(&program);
        types.retain(|name| !values.contains(name));
    }
    let mut imports = Vec::new();
    let mut all_members = Members::of(&program);
    // Those of the transpiled module: imports of types are gone.
    for statement in &program.body {
        let (mut names, mut members) = (Vec::new(), Vec::new());
        let (literal, with, phase) = match statement {
            Statement::ImportDeclaration(import) => {
                for specifier in import.specifiers.iter().flatten() {
                    match specifier {
                        ImportDeclarationSpecifier::ImportSpecifier(specifier) => {
                            names.push(specifier.imported.name().to_string());
                        }
                        ImportDeclarationSpecifier::ImportNamespaceSpecifier(all) => {
                            members.extend(all_members.take(all.local.name.as_str()));
                        }
                        ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => names.push("default".to_owned()),
                    }
                }
                (&import.source, &import.with_clause, import.phase)
            }
            Statement::ExportAllDeclaration(export) => (&export.source, &export.with_clause, None),
            Statement::ExportFromDeclaration(export) => {
                names.extend(
                    export
                        .specifiers
                        .iter()
                        .map(|specifier| specifier.local.name().to_string()),
                );
                (&export.source, &export.with_clause, None)
            }
            _ => continue,
        };
        imports.push(Import {
            specifier: literal.value.to_string(),
            kind: with.as_deref().and_then(type_attribute),
            unknown: with.as_deref().and_then(unknown_attribute),
            span: range(literal.span()),
            dynamic: false,
            source: phase == Some(ImportPhase::Source),
            names,
            members,
            called: false,
        });
    }
    imports.extend(syntax.dynamic_imports);
    // What was required for JSX is there only now, and names of types are gone.
    let given = if is_module {
        Given::of(source, &program, name.contains("node_modules/"))
    } else {
        Given::default()
    };
    let required = Required::of(&program, !is_module || given.require);
    Ok(Parsed {
        imports,
        transpiled,
        requires: required.literal,
        patterns: required.patterns,
        computed: required.computed,
        imported_patterns: syntax.patterns,
        data: FileNames::of(&program, source),
        given,
        commonjs: (!is_module).then(|| Exports::of(&program)),
        types,
        defined: None,
    })
}

/// Parses a script as what Node.js takes it for. Where it has the syntax of an ES module, it is one in any case.
fn by_format<'a>(allocator: &'a Allocator, source: &'a str, kind: SourceType, format: Format) -> ParserReturn<'a> {
    let parse = |kind| Parser::new(allocator, source, kind).parse();
    let module = || parse(kind.with_module(true));
    if format == Format::Module {
        return module();
    }
    if format == Format::BySyntax {
        let parsed = parse(kind.with_unambiguous(true));
        if parsed.diagnostics.is_empty() && !assigns_exports(&parsed.program) {
            return parsed;
        }
    }
    // `return` at the top level, for example, is a function's.
    let commonjs = parse(kind.with_commonjs(true));
    let is_commonjs = !commonjs.module_record.has_module_syntax || assigns_exports(&commonjs.program);
    if commonjs.diagnostics.is_empty() && is_commonjs {
        return commonjs;
    }
    let module = module();
    if format == Format::CommonJs && !module.diagnostics.is_empty() {
        commonjs
    } else {
        module
    }
}

/// Whether it exports as TypeScript's CommonJS does, by `export =`, and as no ES module does.
fn assigns_exports(program: &Program<'_>) -> bool {
    let is_assignment = |statement: &Statement<'_>| matches!(statement, Statement::TSExportAssignment(_));
    program.body.iter().any(is_assignment)
        && !program
            .body
            .iter()
            .any(|statement| statement.is_module_declaration() && !is_assignment(statement))
}

/// The language of a file. JavaScript may hold JSX, as for wrangler's bundler.
pub(crate) fn source_type(name: &str) -> SourceType {
    let kind = SourceType::from_path(Path::new(name))
        .unwrap_or_else(|_| SourceType::mjs())
        .with_module(true);
    if kind.is_typescript() {
        kind
    } else {
        kind.with_jsx(true)
    }
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

fn type_attribute(with: &WithClause<'_>) -> Option<String> {
    let mut entries = with.with_entries.iter();
    entries.find_map(|entry| (key(&entry.key) == TYPE).then(|| entry.value.value.to_string()))
}

fn unknown_attribute(with: &WithClause<'_>) -> Option<String> {
    let mut keys = with.with_entries.iter().map(|entry| key(&entry.key));
    keys.find(|key| *key != TYPE).map(str::to_owned)
}

fn key<'a>(key: &'a ImportAttributeKey<'_>) -> &'a str {
    match key {
        ImportAttributeKey::Identifier(key) => key.name.as_str(),
        ImportAttributeKey::StringLiteral(key) => key.value.as_str(),
    }
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
        let found: Vec<_> = parse("x.js", source, Format::BySyntax, &CompilerOptions::default())
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
        let parsed = parse("x.ts", source, Format::BySyntax, &CompilerOptions::default()).unwrap();
        let names: Vec<_> = parsed.imports.iter().map(|import| import.specifier.as_str()).collect();
        assert_eq!(names, ["./b"]);
        let (code, map) = parsed.transpiled.unwrap();
        assert!(!code.contains("as any") && code.contains("import { c }"), "{code}");
        assert!(map.contains("\"x.ts\""), "{map}");
        let error = parse("x.ts", "const a: = 1", Format::BySyntax, &CompilerOptions::default()).unwrap_err();
        assert!(error.to_string().starts_with("x.ts is not valid TypeScript"), "{error}");
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let error = parse(
            "x.js",
            "export default {\n  fetch( {\n",
            Format::BySyntax,
            &CompilerOptions::default(),
        )
        .unwrap_err();
        assert!(error.to_string().starts_with("x.js is not valid JavaScript"), "{error}");
        assert!(miette::Diagnostic::labels(&error).is_some());
    }
}
