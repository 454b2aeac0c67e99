//! The changes: each one operator, at its exact place in what the author wrote, TypeScript included.

use std::ops::Range;

use oxc_ast::ast::{
    ArrayExpression, ArrayExpressionElement, AwaitExpression, BinaryExpression, BooleanLiteral, CallExpression,
    ConditionalExpression, Expression, Function, FunctionBody, IfStatement, LogicalExpression, Program, RegExpLiteral,
    ReturnStatement, Statement, TSType, ThrowStatement, UnaryExpression, WhileStatement,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan as _, Span};
use oxc_syntax::operator::{LogicalOperator, UnaryOperator};
use oxc_syntax::scope::ScopeFlags;

use super::mutant::Mutant;
use super::swaps::{boundary, is_mixed, opposite, range, regrouped};
use crate::testing::source::denies;

/// All changes of a module's text.
pub(super) fn mutants(file: usize, text: &str, program: &Program<'_>) -> Vec<Mutant> {
    let mut finder = Finder {
        file,
        text,
        pairs: Vec::new(),
        found: Vec::new(),
    };
    finder.visit_program(program);
    let mut found = finder.found;
    found.sort_by_key(|mutant| (mutant.span.start, mutant.span.end));
    found.dedup_by(|one, other| one.span == other.span && one.replacement == other.replacement);
    found
}

struct Finder<'t> {
    file: usize,
    text: &'t str,
    /// Lists within lists, as a map's entries.
    pairs: Vec<Span>,
    found: Vec<Mutant>,
}

impl Finder<'_> {
    fn add(&mut self, operator: &'static str, span: Range<usize>, replacement: impl Into<String>, description: String) {
        let is_in_text = self.text.get(span.clone()).is_some();
        if is_in_text {
            self.found.push(Mutant {
                file: self.file,
                span,
                replacement: replacement.into(),
                operator,
                description,
            });
        }
    }

    fn source(&self, span: Span) -> &str {
        self.text.get(range(span)).unwrap_or_default()
    }

    fn short(&self, span: Span) -> String {
        let text = self.source(span).split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(60) {
            Some((end, _)) => format!("{}\u{2026}", &text[..end]),
            None => text,
        }
    }

    /// A condition is negated where no other change does that.
    fn condition(&mut self, test: &Expression<'_>) {
        let is_changed_anyway = match test.without_parentheses() {
            Expression::UnaryExpression(unary) => unary.operator == UnaryOperator::LogicalNot,
            Expression::BinaryExpression(binary) => opposite(binary.operator).is_some(),
            Expression::BooleanLiteral(_) => true,
            _ => false,
        };
        if !is_changed_anyway {
            let span = test.span();
            let description = format!("{} negated", self.short(span));
            self.add(
                "condition",
                range(span),
                format!("!({})", self.source(span)),
                description,
            );
        }
    }

    /// Where an operator stands between its operands, past comments and parentheses.
    fn operator(&self, left: Span, right: Span, operator: &str) -> Option<Range<usize>> {
        let (start, end) = (left.end as usize, right.start as usize);
        let between = self.text.get(start..end)?;
        let at = start + between.find(operator)?;
        Some(at..at + operator.len())
    }

    fn removed_statement(&mut self, operator: &'static str, span: Span) {
        let description = format!("{} removed", self.short(span));
        self.add(operator, range(span), ";", description);
    }

    /// Returns that leave a function before its end.
    fn early_returns(&mut self, statement: &Statement<'_>) {
        match statement {
            Statement::ReturnStatement(statement) if !statement.argument.as_ref().is_some_and(denies) => {
                self.removed_statement("return", statement.span);
            }
            Statement::BlockStatement(block) => block.body.iter().for_each(|statement| self.early_returns(statement)),
            _ => {}
        }
    }
}

impl<'a> Visit<'a> for Finder<'_> {
    // Types do not run.
    fn visit_ts_type(&mut self, _: &TSType<'a>) {}

    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        self.condition(&it.test);
        self.early_returns(&it.consequent);
        walk::walk_if_statement(self, it);
    }

    fn visit_while_statement(&mut self, it: &WhileStatement<'a>) {
        self.condition(&it.test);
        walk::walk_while_statement(self, it);
    }

    fn visit_conditional_expression(&mut self, it: &ConditionalExpression<'a>) {
        self.condition(&it.test);
        walk::walk_conditional_expression(self, it);
    }

    fn visit_binary_expression(&mut self, it: &BinaryExpression<'a>) {
        let changed = opposite(it.operator).map(|to| ("equality", to));
        if let Some((operator, to)) = changed.or(boundary(it.operator).map(|to| ("boundary", to))) {
            let from = it.operator.as_str();
            if let Some(span) = self.operator(it.left.span(), it.right.span(), from) {
                self.add(operator, span, to, format!("{from} becomes {to}"));
            }
        }
        walk::walk_binary_expression(self, it);
    }

    fn visit_logical_expression(&mut self, it: &LogicalExpression<'a>) {
        let changed = match it.operator {
            LogicalOperator::And => Some(("&&", "||")),
            LogicalOperator::Or => Some(("||", "&&")),
            LogicalOperator::Coalesce => None,
        };
        if let Some((from, to)) = changed {
            if let Some(span) = self.operator(it.left.span(), it.right.span(), from) {
                // An operand that is one too keeps what it binds.
                let (span, replacement) = if is_mixed(it) {
                    (range(it.span), regrouped(self.text, it, to))
                } else {
                    (span, to.to_owned())
                };
                self.add("logic", span, replacement, format!("{from} becomes {to}"));
            }
        }
        walk::walk_logical_expression(self, it);
    }

    fn visit_unary_expression(&mut self, it: &UnaryExpression<'a>) {
        if it.operator == UnaryOperator::LogicalNot {
            let span = it.span.start as usize..it.span.start as usize + 1;
            self.add("negation", span, "", format!("! removed from {}", self.short(it.span)));
        }
        walk::walk_unary_expression(self, it);
    }

    fn visit_boolean_literal(&mut self, it: &BooleanLiteral) {
        let to = if it.value { "false" } else { "true" };
        self.add("boolean", range(it.span), to, format!("{} becomes {to}", it.value));
    }

    fn visit_await_expression(&mut self, it: &AwaitExpression<'a>) {
        let span = it.span.start as usize..it.argument.span().start as usize;
        // A parenthesis that it stands before is none of its own.
        let between = self.text.get(span.clone()).unwrap_or_default();
        let end = between.find('(').map_or(span.end, |at| span.start + at);
        self.add(
            "await",
            span.start..end,
            "",
            format!("await removed from {}", self.short(it.span)),
        );
        walk::walk_await_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        if let Expression::StaticMemberExpression(callee) = &it.callee {
            let name = callee.property.name.as_str();
            let to = match name {
                "startsWith" | "endsWith" => Some("includes"),
                "some" => Some("every"),
                "every" => Some("some"),
                _ => None,
            };
            if let Some(to) = to {
                self.add(
                    "method",
                    range(callee.property.span),
                    to,
                    format!("{name} becomes {to}"),
                );
            }
            let normalises = [
                "toLowerCase",
                "toUpperCase",
                "toLocaleLowerCase",
                "toLocaleUpperCase",
                "trim",
                "trimStart",
                "trimEnd",
                "normalize",
                "replace",
                "replaceAll",
            ];
            if normalises.contains(&name) {
                let span = callee.object.span().end as usize..it.span.end as usize;
                self.add("call", span, "", format!("{name}() removed"));
            }
        }
        if let (Expression::Identifier(callee), [argument]) = (&it.callee, it.arguments.as_slice()) {
            let name = callee.name.as_str();
            if matches!(
                name,
                "decodeURIComponent" | "decodeURI" | "String" | "encodeURIComponent"
            ) {
                let argument = self.source(argument.span()).to_owned();
                self.add(
                    "call",
                    range(it.span),
                    format!("({argument})"),
                    format!("{name}() removed"),
                );
            }
        }
        walk::walk_call_expression(self, it);
    }

    fn visit_array_expression(&mut self, it: &ArrayExpression<'a>) {
        let is_pair = self.pairs.contains(&it.span);
        for (index, element) in it.elements.iter().enumerate() {
            if let ArrayExpressionElement::ArrayExpression(pair) = element {
                self.pairs.push(pair.span);
            }
            let is_data = matches!(
                element,
                ArrayExpressionElement::StringLiteral(_)
                    | ArrayExpressionElement::TemplateLiteral(_)
                    | ArrayExpressionElement::RegExpLiteral(_)
                    | ArrayExpressionElement::ObjectExpression(_)
                    | ArrayExpressionElement::ArrayExpression(_)
            );
            // The parts of a pair are no elements of a list: the pair is.
            if !is_data || is_pair {
                continue;
            }
            let end = it
                .elements
                .get(index + 1)
                .map_or(element.span().end, |next| next.span().start);
            let start = match index {
                0 => element.span().start,
                _ if index + 1 == it.elements.len() => it.elements[index - 1].span().end,
                _ => element.span().start,
            };
            let description = format!("{} dropped from its list", self.short(element.span()));
            self.add("list", start as usize..end as usize, "", description);
        }
        walk::walk_array_expression(self, it);
    }

    fn visit_return_statement(&mut self, it: &ReturnStatement<'a>) {
        if it.argument.as_ref().is_some_and(denies) {
            self.removed_statement("denial", it.span);
        }
        walk::walk_return_statement(self, it);
    }

    fn visit_throw_statement(&mut self, it: &ThrowStatement<'a>) {
        self.removed_statement("throw", it.span);
        walk::walk_throw_statement(self, it);
    }

    fn visit_reg_exp_literal(&mut self, it: &RegExpLiteral<'a>) {
        let start = it.span.start as usize + 1;
        let pattern = it.regex.pattern.text.as_str();
        if pattern.starts_with('^') && pattern.len() > 1 {
            self.add("anchor", start..start + 1, "", format!("^ removed from /{pattern}/"));
        }
        let escaped = pattern.len() - pattern.trim_end_matches('$').trim_end_matches('\\').len();
        if pattern.ends_with('$') && pattern.len() > 1 && escaped % 2 == 1 {
            let end = start + pattern.len();
            self.add("anchor", end - 1..end, "", format!("$ removed from /{pattern}/"));
        }
    }

    fn visit_function_body(&mut self, it: &FunctionBody<'a>) {
        // A return that others follow leaves early too.
        if let [before @ .., _] = it.statements.as_slice() {
            for statement in before {
                if let Statement::ReturnStatement(statement) = statement {
                    self.removed_statement("return", statement.span);
                }
            }
        }
        walk::walk_function_body(self, it);
    }

    fn visit_function(&mut self, it: &Function<'a>, flags: ScopeFlags) {
        // Declarations of types have no body.
        if it.body.is_some() {
            walk::walk_function(self, it, flags);
        }
    }
}

#[cfg(test)]
mod tests {
    use oxc_allocator::Allocator;
    use oxc_parser::Parser;

    use super::*;
    use crate::isolate::modules::source_type;

    fn changed(name: &str, text: &str) -> Vec<String> {
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, text, source_type(name)).parse();
        assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
        let all = mutants(0, text, &parsed.program);
        all.iter().map(|mutant| mutant.apply(text)).collect()
    }

    #[test]
    fn each_operator_changes_its_own_place() {
        for (text, wanted) in [
            ("if (a) b();", "if (!(a)) b();"),
            ("x = a === b;", "x = a !== b;"),
            ("x = a /* === */ != b;", "x = a /* === */ == b;"),
            ("x = a < b;", "x = a <= b;"),
            ("x = a && b || c;", "x = ((a && b) && (c));"),
            ("x = a && b;", "x = a || b;"),
            ("x = !a;", "x = a;"),
            ("x = true;", "x = false;"),
            ("x = s.startsWith('a');", "x = s.includes('a');"),
            ("x = s.endsWith('a');", "x = s.includes('a');"),
            ("x = s.trim().toLowerCase();", "x = s.trim();"),
            ("x = decodeURIComponent(s);", "x = (s);"),
            ("x = ['a', 'b', 'c'];", "x = ['a', 'c'];"),
            ("x = ['a', 'b'];", "x = ['a'];"),
            ("x = new Map([['a', 'b'], ['c', 'd']]);", "x = new Map([['c', 'd']]);"),
            ("x = new Set(['a']);", "x = new Set([]);"),
            ("x = /^a$/;", "x = /^a/;"),
            ("x = /^a$/;", "x = /a$/;"),
            ("x = await f();", "x = f();"),
            (
                "const f = () => { if (a) return deny(); g(); };",
                "const f = () => { if (a) ; g(); };",
            ),
            (
                "const f = () => { if (a) { return g(); } h(); };",
                "const f = () => { if (a) { ; } h(); };",
            ),
            ("const f = () => { throw e; };", "const f = () => { ; };"),
        ] {
            let all = changed("a.js", text);
            assert!(all.iter().any(|changed| changed == wanted), "{text}: {all:?}");
        }
    }

    #[test]
    fn types_and_what_is_escaped_are_left_alone() {
        assert_eq!(
            changed("a.ts", "type A = { on: true }; const a: ['x', false] = f() as [true];"),
            [""; 0]
        );
        assert_eq!(changed("a.js", r"x = /a\$/;"), [""; 0]);
        assert_eq!(changed("a.ts", "const a = (b as boolean) === c;").len(), 1);
    }
}
