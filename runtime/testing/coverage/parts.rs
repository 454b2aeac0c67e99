//! The parts of a module that are counted: statements, branches and functions, in the code that runs and in the author's
//! source.

use std::collections::BTreeMap;

use oxc_allocator::Allocator;
use oxc_ast_visit::Visit as _;
use oxc_parser::Parser;

use super::ignored::Ignored;

use super::visit::{Found, Rest};
use crate::isolate::modules::{Content, Module};
use crate::isolate::{Defaults, compiled_type};
use crate::testing::source::comments;

/// A place that runs so many times, in the order of the code that runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// A UTF-16 code unit in the code that runs.
    pub(super) offset: u32,
    /// Its line in the author's source, from 1.
    pub(super) line: u32,
}

/// Code that is left in one of several ways. Points are told by their index.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) line: u32,
    /// Where it begins.
    pub(super) at: usize,
    pub(super) arms: Vec<usize>,
    /// Whether there is a way past all arms, as without an `else`.
    pub(super) rest: Rest,
}

/// A function with a name for lists.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: u32,
    /// Where its body begins.
    pub(super) body: usize,
}

/// What is counted of a module.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) points: Vec<Point>,
    /// The points of statements, and of expressions that are a branch's way.
    pub(super) code: Vec<usize>,
    pub(super) branches: Vec<Branch>,
    pub(super) functions: Vec<Function>,
}

/// The parts of a module that its author wants counted.
pub(super) fn of(module: &Module) -> Parts {
    let Content::Script(source) = &module.content else {
        return Parts::default();
    };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, compiled_type(module.commonjs)).parse();
    let mut found = Found::default();
    found.visit_program(&parsed.program);
    let ignored = Ignored::of(&comments(module));
    let map = module
        .original
        .as_ref()
        .and_then(|original| sourcemap::SourceMap::from_slice(original.map.as_bytes()).ok());
    let defaults = Defaults::of(source, module.commonjs);
    // By their bytes: those that are at a line of the author's, and have their index.
    let mut indices: BTreeMap<u32, usize> = BTreeMap::new();
    let mut points = Vec::new();
    let mut place = Place::default();
    for byte in found.bytes() {
        place.advance(source, byte);
        let line = match &map {
            None => Some(place.line + 1),
            // What the transpiler added is at no line of the author's.
            Some(map) => map
                .lookup_token(place.line, place.column)
                .map(|token| token.get_src_line() + 1),
        };
        if let Some(line) = line.filter(|line| !ignored.has(*line)) {
            indices.insert(byte, points.len());
            let offset = place.offset + defaults.shift(byte);
            points.push(Point { offset, line });
        }
    }
    let index = |byte: &u32| indices.get(byte).copied();
    let line = |index: usize| points.get(index).map_or(0, |point: &Point| point.line);
    let branches: Vec<Branch> = found
        .branches
        .iter()
        .filter_map(|branch| {
            let at = index(&branch.at)?;
            let arms: Vec<usize> = branch.arms.iter().filter_map(index).collect();
            // An arm that is left out is another's to answer for.
            let whole = arms.len() == branch.arms.len();
            (!arms.is_empty()).then(|| Branch {
                line: line(at),
                at,
                arms,
                rest: if whole { branch.rest } else { Rest::None },
            })
        })
        .collect();
    let functions = found.functions.iter().filter_map(|function| {
        let (at, body) = (index(&function.at)?, index(&function.body)?);
        Some(Function {
            name: function.name.clone(),
            line: line(at),
            body,
        })
    });
    let functions = functions.collect();
    let mut code: Vec<usize> = found.statements.iter().filter_map(index).collect();
    code.sort_unstable();
    code.dedup();
    Parts {
        points,
        code,
        branches,
        functions,
    }
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
