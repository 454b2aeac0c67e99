//! Scripts as they run where they are counted. V8 counts blocks, branches of `?:` and right-hand sides, but no defaults: of
//! parameters, of patterns, and of `??=` and its like. Each becomes a branch of a `?:` that is always taken.

use oxc_allocator::Allocator;
use oxc_ast::ast;
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_span::{GetSpan as _, SourceType, Span};

use super::modules::{Content, Module};

const BEFORE: &str = "true?";
const AFTER: &str = ":0";

/// Whether a module is its author's own, rather than a package's.
pub(crate) fn is_counted_module(module: &Module) -> bool {
    let packaged = module.path.components().any(|part| part.as_os_str() == "node_modules");
    matches!(module.content, Content::Script(_)) && !packaged
}

/// How what runs is parsed.
pub(crate) fn compiled_type(commonjs: bool) -> SourceType {
    if commonjs { SourceType::cjs() } else { SourceType::mjs() }
}

/// The expressions of a module that are counted this way, by their bytes.
#[derive(Debug, Default)]
pub(crate) struct Defaults {
    starts: Vec<u32>,
    ends: Vec<u32>,
}

impl Defaults {
    /// Those of a module.
    pub(crate) fn of(code: &str, commonjs: bool) -> Self {
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, code, compiled_type(commonjs)).parse();
        let mut found = Found(Vec::new());
        found.visit_program(&parsed.program);
        let (mut starts, mut ends): (Vec<u32>, Vec<u32>) = found.0.iter().map(|span| (span.start, span.end)).unzip();
        starts.sort_unstable();
        ends.sort_unstable();
        Self { starts, ends }
    }

    /// How many code units come before this byte besides those of the module itself.
    pub(crate) fn shift(&self, byte: u32) -> u32 {
        let before = |places: &[u32], text: &str| places.partition_point(|place| *place <= byte) * text.len();
        u32::try_from(before(&self.starts, BEFORE) + before(&self.ends, AFTER)).unwrap_or(u32::MAX)
    }

    /// The module as it runs. Its lines stay where they are.
    pub(crate) fn counted(&self, code: &str) -> String {
        let ends = self.ends.iter().map(|end| (*end, AFTER));
        let mut all: Vec<(u32, &str)> = ends.chain(self.starts.iter().map(|start| (*start, BEFORE))).collect();
        // An end comes before what starts there.
        all.sort_by_key(|(place, _)| *place);
        let mut counted = String::with_capacity(code.len() + all.len() * BEFORE.len());
        let mut from = 0;
        for (place, text) in all {
            let to = place as usize;
            counted.push_str(code.get(from..to).unwrap_or_default());
            counted.push_str(text);
            from = to;
        }
        counted.push_str(code.get(from..).unwrap_or_default());
        counted
    }
}

struct Found(Vec<Span>);

impl Found {
    fn add(&mut self, default: &ast::Expression<'_>) {
        if is_counted(default) {
            self.0.push(default.span());
        }
    }
}

/// Functions and classes take their name from what they are assigned to, and their own count says whether they ran.
pub(crate) fn is_counted(default: &ast::Expression<'_>) -> bool {
    use ast::Expression as E;
    !matches!(
        default.without_parentheses(),
        E::FunctionExpression(_) | E::ArrowFunctionExpression(_) | E::ClassExpression(_)
    )
}

impl<'a> Visit<'a> for Found {
    fn visit_formal_parameter(&mut self, parameter: &ast::FormalParameter<'a>) {
        if let Some(default) = &parameter.initializer {
            self.add(default);
        }
        walk::walk_formal_parameter(self, parameter);
    }

    fn visit_assignment_pattern(&mut self, pattern: &ast::AssignmentPattern<'a>) {
        self.add(&pattern.right);
        walk::walk_assignment_pattern(self, pattern);
    }

    fn visit_assignment_target_with_default(&mut self, target: &ast::AssignmentTargetWithDefault<'a>) {
        self.add(&target.init);
        walk::walk_assignment_target_with_default(self, target);
    }

    fn visit_assignment_target_property_identifier(&mut self, target: &ast::AssignmentTargetPropertyIdentifier<'a>) {
        if let Some(default) = &target.init {
            self.add(default);
        }
        walk::walk_assignment_target_property_identifier(self, target);
    }

    fn visit_assignment_expression(&mut self, assignment: &ast::AssignmentExpression<'a>) {
        if assignment.operator.is_logical() {
            self.add(&assignment.right);
        }
        walk::walk_assignment_expression(self, assignment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_branches_and_lines_stay() {
        let code = "function f(a = 1, { b = g(),\n c = () => 1 } = {}, [d = 2] = []) { a ??= d; a ||= (() => 1); ({ a = 3 } = b); a += 1; }";
        let defaults = Defaults::of(code, false);
        assert_eq!(
            defaults.counted(code),
            "function f(a = true?1:0, { b = true?g():0,\n c = () => 1 } = true?{}:0, [d = true?2:0] = true?[]:0) { a ??= true?d:0; a ||= (() => 1); \
             ({ a = true?3:0 } = b); a += 1; }"
        );
        let place = |text: &str, code: &str| u32::try_from(code.find(text).unwrap()).unwrap();
        assert_eq!(
            place("g()", code) + defaults.shift(place("g()", code)),
            place("g()", &defaults.counted(code))
        );
    }
}
