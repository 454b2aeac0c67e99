//! TypeScript, JSX and decorators as JavaScript that V8 takes, with a source map.

use std::path::Path;

use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;
use oxc_transformer::Transformer;

use super::compiler::CompilerOptions;
use super::decorators::{self, LEGACY_HELPERS};
use super::syntax::Syntax;
use super::syntax_error::check;
use crate::isolate::StartupError;

/// The JavaScript of a module and its source map. Leaves in `program` what was imported once types are gone.
pub(super) fn transpile<'a>(
    allocator: &'a Allocator,
    name: &str,
    source: &'a str,
    kind: SourceType,
    program: &mut Program<'a>,
    syntax: &Syntax,
    options: &CompilerOptions,
) -> Result<(String, String), StartupError> {
    let options = if kind.is_typescript() {
        options.clone()
    } else {
        options.clone().for_javascript()
    };
    let path = Path::new(name);
    let legacy = syntax.decorators && options.legacy_decorators();
    let standard = syntax.accessors || (syntax.decorators && !legacy);
    let (mut code, mut map) = (source.to_owned(), None);
    if kind.is_typescript() || syntax.jsx {
        let scoping = SemanticBuilder::new()
            .with_enum_eval(true)
            .build(program)
            .semantic
            .into_scoping();
        let transform = options.transform(standard, names_factory(source, program));
        let transformed = Transformer::new(allocator, path, &transform).build_with_scoping(scoping, program);
        check(name, source, transformed.diagnostics.iter())?;
        let generated = Codegen::new()
            .with_options(CodegenOptions {
                source_map_path: path.file_name().map(Into::into),
                ..CodegenOptions::default()
            })
            .with_source_text(source)
            .build(program);
        code = generated.code;
        map = generated.map.map(|map| map.to_json_string());
    }
    if standard {
        let lowered = decorators::lower(&code, path, map.as_deref(), source);
        (code, map) = lowered
            .map(|(code, map)| (code, Some(map)))
            .map_err(|why| StartupError::new(format!("the decorators of {name} can not be compiled: {why}")))?;
    }
    if legacy && code.contains("babelHelpers.") {
        // In front of the first line, which keeps every position but its columns.
        let start = if code.starts_with("#!") {
            code.find('\n').map_or(code.len(), |end| end + 1)
        } else {
            0
        };
        code.insert_str(start, LEGACY_HELPERS);
        let mut shifted = map
            .as_deref()
            .and_then(|map| sourcemap::SourceMap::from_slice(map.as_bytes()).ok());
        if let Some(shifted) = &mut shifted {
            map = decorators::shifted(shifted, u32::from(start != 0));
        }
    }
    Ok((code, map.unwrap_or_default()))
}

/// Whether a comment such as `/** @jsx h */` names what makes the file's JSX.
fn names_factory(source: &str, program: &Program<'_>) -> bool {
    let comments = program.comments.iter();
    comments
        .map(|comment| comment.content_span().source_text(source))
        .any(|text| text.split("@jsx").skip(1).any(|rest| rest.starts_with([' ', '\t'])))
}
