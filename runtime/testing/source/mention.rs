//! The strings of a policy: hosts, paths, methods, names of headers and parameters, in whatever form.

use oxc_ast::ast::{
    BinaryExpression, CallExpression, ExportAllDeclaration, ExportFromDeclaration, Expression, ImportDeclaration,
    ImportExpression, Program, PropertyKey, RegExpLiteral, StaticMemberExpression, StringLiteral, TemplateLiteral,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan as _;
use oxc_syntax::operator::BinaryOperator;

use super::Place;
use crate::isolate::modules::Module;

/// What requests, responses and URLs have themselves.
const COMMON: [&str; 24] = [
    "url",
    "method",
    "headers",
    "body",
    "status",
    "ok",
    "host",
    "hostname",
    "pathname",
    "search",
    "searchParams",
    "origin",
    "protocol",
    "port",
    "hash",
    "href",
    "length",
    "agent",
    "props",
    "env",
    "ctx",
    "exports",
    "redirect",
    "prototype",
];

/// What kind of text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::testing) enum Kind {
    /// A string, or a piece of a template.
    Text,
    /// A regular expression's source.
    Regex,
    /// A name that something is read by: of a header, a parameter, a field.
    Name,
}

/// One of them.
#[derive(Debug, Clone)]
pub(in crate::testing) struct Mention {
    pub(in crate::testing) kind: Kind,
    pub(in crate::testing) text: String,
    pub(in crate::testing) place: Place,
}

/// A text that something is put into: the pieces around it, one more than there are places for it.
#[derive(Debug, Clone)]
pub(in crate::testing) struct Template {
    pub(in crate::testing) pieces: Vec<String>,
    pub(in crate::testing) place: Place,
}

impl Template {
    /// The text with the same in each place.
    pub(in crate::testing) fn filled(&self, with: &str) -> String {
        self.pieces.join(with)
    }
}

/// Those of a module, without names of modules.
pub(super) fn mentions(module: &Module, program: &Program<'_>) -> (Vec<Mention>, Vec<Template>) {
    let mut finder = Finder {
        module,
        found: Vec::new(),
        templates: Vec::new(),
    };
    finder.visit_program(program);
    (finder.found, finder.templates)
}

struct Finder<'m> {
    module: &'m Module,
    found: Vec<Mention>,
    templates: Vec<Template>,
}

impl Finder<'_> {
    fn template(&mut self, pieces: Vec<String>, offset: u32) {
        if pieces.len() > 1 {
            self.templates.push(Template {
                pieces,
                place: Place::of(&self.module.name, self.module.text(), offset),
            });
        }
    }

    fn note(&mut self, kind: Kind, text: &str, offset: u32) {
        if text.is_empty() {
            return;
        }
        self.found.push(Mention {
            kind,
            text: text.to_owned(),
            place: Place::of(&self.module.name, self.module.text(), offset),
        });
    }
}

/// The pieces of a sum of strings: nothing stands for what is no literal.
fn summands(expression: &Expression<'_>, pieces: &mut Vec<Option<String>>) {
    match expression.without_parentheses() {
        Expression::BinaryExpression(sum) if sum.operator == BinaryOperator::Addition => {
            summands(&sum.left, pieces);
            summands(&sum.right, pieces);
        }
        other => pieces.push(constant(other)),
    }
}

/// The texts around what is no literal.
fn around(summands: Vec<Option<String>>) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for summand in summands {
        match (summand, pieces.last_mut()) {
            (Some(text), Some(last)) => last.push_str(&text),
            _ => pieces.push(String::new()),
        }
    }
    pieces
}

/// Strings that are put together of literals alone.
fn constant(expression: &Expression<'_>) -> Option<String> {
    match expression.without_parentheses() {
        Expression::StringLiteral(text) => Some(text.value.to_string()),
        Expression::BinaryExpression(sum) if sum.operator == BinaryOperator::Addition => {
            Some(constant(&sum.left)? + &constant(&sum.right)?)
        }
        _ => None,
    }
}

impl<'a> Visit<'a> for Finder<'_> {
    fn visit_import_declaration(&mut self, _: &ImportDeclaration<'a>) {}
    fn visit_import_expression(&mut self, _: &ImportExpression<'a>) {}
    fn visit_export_all_declaration(&mut self, _: &ExportAllDeclaration<'a>) {}
    fn visit_export_from_declaration(&mut self, _: &ExportFromDeclaration<'a>) {}

    fn visit_string_literal(&mut self, it: &StringLiteral<'a>) {
        self.note(Kind::Text, &it.value, it.span.start);
    }

    fn visit_template_literal(&mut self, it: &TemplateLiteral<'a>) {
        for piece in &it.quasis {
            let text = piece.value.cooked.as_ref().unwrap_or(&piece.value.raw);
            self.note(Kind::Text, text, piece.span.start);
        }
        let pieces = it
            .quasis
            .iter()
            .map(|piece| piece.value.cooked.as_ref().unwrap_or(&piece.value.raw).to_string());
        self.template(pieces.collect(), it.span.start);
        walk::walk_template_literal(self, it);
    }

    fn visit_reg_exp_literal(&mut self, it: &RegExpLiteral<'a>) {
        self.note(Kind::Regex, &it.regex.pattern.text, it.span.start);
    }

    fn visit_binary_expression(&mut self, it: &BinaryExpression<'a>) {
        if it.operator == BinaryOperator::Addition {
            if let (Some(left), Some(right)) = (constant(&it.left), constant(&it.right)) {
                self.note(Kind::Text, &(left + &right), it.span.start);
            }
            let mut all = Vec::new();
            summands(&it.left, &mut all);
            summands(&it.right, &mut all);
            self.template(around(all), it.span.start);
        }
        walk::walk_binary_expression(self, it);
    }

    fn visit_property_key(&mut self, it: &PropertyKey<'a>) {
        if let PropertyKey::StaticIdentifier(name) = it {
            self.note(Kind::Name, &name.name, name.span.start);
        }
        walk::walk_property_key(self, it);
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        if !COMMON.contains(&it.property.name.as_str()) {
            self.note(Kind::Name, &it.property.name, it.property.span.start);
        }
        walk::walk_static_member_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        // A method's name is none that anything is read by.
        if let Expression::StaticMemberExpression(callee) = &it.callee {
            self.visit_expression(&callee.object);
            self.visit_arguments(&it.arguments);
        } else {
            walk::walk_call_expression(self, it);
        }
        // `headers.get("x")`, `searchParams.has("x")`, `new RegExp("x")` by its call.
        if let Expression::StaticMemberExpression(callee) = &it.callee {
            let reads = matches!(callee.property.name.as_str(), "get" | "has" | "getAll");
            if let (true, Some(Expression::StringLiteral(name))) =
                (reads, it.arguments.first().and_then(|first| first.as_expression()))
            {
                self.note(Kind::Name, &name.value, name.span().start);
            }
        }
    }

    fn visit_new_expression(&mut self, it: &oxc_ast::ast::NewExpression<'a>) {
        if let Expression::Identifier(callee) = &it.callee {
            if callee.name == "RegExp" {
                if let Some(text) = it.arguments.first().and_then(|first| constant(first.as_expression()?)) {
                    self.note(Kind::Regex, &text, it.span.start);
                }
            }
        }
        walk::walk_new_expression(self, it);
    }
}
