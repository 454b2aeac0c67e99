//! Decorators and `accessor`, which V8 does not have: the standard's (TC39's stage 3 text of November 2023) are lowered by
//! swc, those of before (`experimentalDecorators`) by oxc, with helpers that stand here.

use std::path::Path;

use sourcemap::{SourceMap as Map, SourceMapBuilder};
use swc_common::sync::Lrc;
use swc_common::{BytePos, FileName, GLOBALS, Globals, LineCol, Mark, SourceFile, SourceMap};
use swc_ecma_ast::{EsVersion, Program};
use swc_ecma_codegen::text_writer::JsWriter;
use swc_ecma_codegen::{Config, Emitter};
use swc_ecma_parser::{EsSyntax, Lexer, Parser, StringInput, Syntax};
use swc_ecma_transforms_base::fixer::fixer;
use swc_ecma_transforms_base::helpers::{HELPERS, Helpers, inject_helpers};
use swc_ecma_transforms_base::hygiene::hygiene;
use swc_ecma_transforms_base::resolver;
use swc_ecma_transforms_proposal::decorator_2023_11::decorator_2023_11;

/// What oxc's output calls, on one line: `__decorate`, `__param` and `__metadata` of TypeScript.
pub(super) const LEGACY_HELPERS: &str = concat!(
    "const babelHelpers = { ",
    "decorate(decorators, target, key, descriptor) { ",
    "const own = arguments.length < 3 ? target : descriptor === null ? Object.getOwnPropertyDescriptor(target, key) : descriptor; ",
    "let result = own; ",
    "for (let i = decorators.length - 1; i >= 0; i--) { const decorator = decorators[i]; if (decorator) ",
    "result = (arguments.length < 3 ? decorator(result) : arguments.length > 3 ? decorator(target, key, result) : decorator(target, key)) || result; } ",
    "if (arguments.length > 3 && result) Object.defineProperty(target, key, result); return result; }, ",
    "decorateParam: (index, decorator) => (target, key) => decorator(target, key, index), ",
    "decorateMetadata: (key, value) => typeof Reflect.metadata === \"function\" ? Reflect.metadata(key, value) : undefined };\n",
);

/// Lowers the standard's decorators. `before` maps `code` to `original`, where it is not that already. Fails with why the
/// code can not be read.
pub(super) fn lower(code: &str, path: &Path, before: Option<&str>, original: &str) -> Result<(String, String), String> {
    let sources: Lrc<SourceMap> = Lrc::default();
    let file = sources.new_source_file(Lrc::new(FileName::Anon), code.to_owned());
    let syntax = Syntax::Es(EsSyntax {
        decorators: true,
        decorators_before_export: true,
        auto_accessors: true,
        explicit_resource_management: true,
        import_attributes: true,
        ..EsSyntax::default()
    });
    let lexer = Lexer::new(syntax, EsVersion::EsNext, StringInput::from(&*file), None);
    let mut parser = Parser::new_from(lexer);
    let module = parser.parse_module().map_err(|error| error.kind().msg().into_owned())?;
    let (mut bytes, mut positions) = (Vec::new(), Vec::new());
    GLOBALS.set(&Globals::new(), || {
        HELPERS.set(&Helpers::new(false), || {
            let (unresolved, top_level) = (Mark::new(), Mark::new());
            let program = Program::Module(module)
                .apply(resolver(unresolved, top_level, false))
                .apply(decorator_2023_11())
                .apply(hygiene())
                // After `hygiene`, which would rename some of a helper's variables, and not all that mean them.
                .apply(inject_helpers(unresolved))
                .apply(fixer(None));
            let mut emitter = Emitter {
                cfg: Config::default().with_target(EsVersion::EsNext),
                cm: Lrc::clone(&sources),
                comments: None,
                wr: JsWriter::new(Lrc::clone(&sources), "\n", &mut bytes, Some(&mut positions)),
            };
            emitter.emit_program(&program).map_err(|error| error.to_string())
        })
    })?;
    let lowered = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    let before = before.and_then(|map| Map::from_slice(map.as_bytes()).ok());
    let map = composed(&file, &positions, path, before.as_ref(), original)?;
    Ok((lowered, map))
}

/// Positions in the emitted code as positions in the author's.
fn composed(
    file: &SourceFile,
    positions: &[(BytePos, LineCol)],
    path: &Path,
    before: Option<&Map>,
    original: &str,
) -> Result<String, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut builder = SourceMapBuilder::new(Some(&name));
    let source = builder.add_source(&name);
    builder.set_source_contents(source, Some(original));
    for (position, emitted) in positions {
        // What was added has no position.
        if *position < file.start_pos || *position >= file.end_pos {
            continue;
        }
        let Some(line) = file.lookup_line(*position) else {
            continue;
        };
        let (start, _) = file.line_bounds(line);
        let column = file
            .src
            .get((start - file.start_pos).0 as usize..(*position - file.start_pos).0 as usize)
            .map_or(0, |text| text.encode_utf16().count());
        let (Ok(line), Ok(column)) = (u32::try_from(line), u32::try_from(column)) else {
            continue;
        };
        let (line, column) = match before {
            None => (line, column),
            Some(map) => match map.lookup_token(line, column) {
                Some(token) => (token.get_src_line(), token.get_src_col()),
                None => continue,
            },
        };
        builder.add_raw(emitted.line, emitted.col, line, column, Some(source), None, false);
    }
    text(&builder.into_sourcemap())
}

/// The map once a line was put after the first `kept` lines.
pub(super) fn shifted(map: &Map, kept: u32) -> Option<String> {
    let mut builder = SourceMapBuilder::new(map.get_file());
    for (index, name) in map.sources().enumerate() {
        let source = builder.add_source(name);
        builder.set_source_contents(source, map.get_source_contents(u32::try_from(index).ok()?));
    }
    for token in map.tokens() {
        let line = token.get_dst_line();
        let source = Some(token.get_src_id()).filter(|source| *source != u32::MAX);
        builder.add_raw(
            if line < kept { line } else { line + 1 },
            token.get_dst_col(),
            token.get_src_line(),
            token.get_src_col(),
            source,
            None,
            false,
        );
    }
    text(&builder.into_sourcemap()).ok()
}

fn text(map: &Map) -> Result<String, String> {
    let mut bytes = Vec::new();
    map.to_writer(&mut bytes).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}
