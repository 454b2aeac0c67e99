//! Where a module's statements begin: in the code that runs, and in the author's source.

use oxc_allocator::Allocator;
use oxc_ast::ast;
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_span::{GetSpan as _, SourceType};

use crate::isolate::modules::{Content, Module};

/// A statement, in the order of the code that runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement {
    /// Its first UTF-16 code unit in the code that runs.
    pub(super) offset: u32,
    /// Its line in the author's source, from 1.
    pub(super) line: u32,
}

/// Every statement that does something by itself. Declarations of functions and imports do not.
pub(super) fn of(module: &Module) -> Vec<Statement> {
    let Content::Script(code) = &module.content else {
        return Vec::new();
    };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, code, SourceType::mjs()).parse();
    let mut found = Starts(Vec::new());
    found.visit_program(&parsed.program);
    found.0.sort_unstable();
    found.0.dedup();
    let map = module
        .original
        .as_ref()
        .and_then(|original| sourcemap::SourceMap::from_slice(original.map.as_bytes()).ok());
    let mut place = Place::default();
    found
        .0
        .into_iter()
        .filter_map(|start| {
            place.advance(code, start);
            let line = match &map {
                None => place.line + 1,
                // What the transpiler added is at no line of the author's.
                Some(map) => map.lookup_token(place.line, place.column)?.get_src_line() + 1,
            };
            Some(Statement {
                offset: place.offset,
                line,
            })
        })
        .collect()
}

/// A place in a text, in UTF-16 code units and in lines from 0.
#[derive(Default)]
struct Place {
    byte: usize,
    offset: u32,
    line: u32,
    column: u32,
}

impl Place {
    fn advance(&mut self, text: &str, to: u32) {
        let to = to as usize;
        for character in text.get(self.byte..to).unwrap_or_default().chars() {
            let units = if character.len_utf16() == 2 { 2 } else { 1 };
            self.offset += units;
            self.column += units;
            if character == '\n' {
                self.line += 1;
                self.column = 0;
            }
        }
        self.byte = to;
    }
}

struct Starts(Vec<u32>);

impl<'a> Visit<'a> for Starts {
    fn visit_statement(&mut self, statement: &ast::Statement<'a>) {
        use ast::Statement as S;
        let declares = matches!(
            statement,
            S::FunctionDeclaration(_)
                | S::ImportDeclaration(_)
                | S::ExportAllDeclaration(_)
                | S::EmptyStatement(_)
                | S::BlockStatement(_)
        );
        let exports_function = match statement {
            S::ExportDeclaration(export) => matches!(export.declaration, ast::Declaration::FunctionDeclaration(_)),
            _ => false,
        };
        if !declares && !exports_function {
            self.0.push(statement.span().start);
        }
        walk::walk_statement(self, statement);
    }
}
