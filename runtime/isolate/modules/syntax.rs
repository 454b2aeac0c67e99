//! What a script is written with, beyond what V8 takes: found by a walk through its tree.

use std::collections::BTreeSet;
use std::ops::Range;

use oxc_ast::ast::{
    AccessorProperty, Decorator, Expression, ImportDeclaration, ImportExpression, ImportPhase, JSXElement, JSXFragment,
    ObjectPropertyKind, Program, PropertyKey, StringLiteral,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan as _, Span};

use super::import::{Import, TYPE};
use super::literal::literal;
use super::requires::Pattern;
use super::resolve::{is_builtin, node_module};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Syntax {
    pub(super) jsx: bool,
    pub(super) decorators: bool,
    /// `accessor` in a class.
    pub(super) accessors: bool,
    /// Every `import()` with a literal name.
    pub(super) dynamic_imports: Vec<Import>,
    /// Names of modules that no file has, Node's and ours, which an `import()` of a computed name may be of.
    built_in: BTreeSet<String>,
    computed: bool,
    /// What an `import()` of a computed name may be of.
    pub(super) patterns: Vec<Pattern>,
    /// What the parser takes, and nobody after it.
    pub(super) unsupported: Option<(Span, &'static str)>,
}

impl Syntax {
    pub(super) fn of(program: &Program<'_>) -> Self {
        let mut syntax = Self::default();
        syntax.visit_program(program);
        if syntax.computed {
            let names = std::mem::take(&mut syntax.built_in).into_iter();
            syntax.dynamic_imports.extend(names.map(|name| Import {
                dynamic: true,
                ..Import::named(name)
            }));
        }
        syntax
    }
}

impl<'a> Visit<'a> for Syntax {
    fn visit_decorator(&mut self, it: &Decorator<'a>) {
        self.decorators = true;
        walk::walk_decorator(self, it);
    }

    fn visit_accessor_property(&mut self, it: &AccessorProperty<'a>) {
        self.accessors = true;
        walk::walk_accessor_property(self, it);
    }

    fn visit_jsx_element(&mut self, it: &JSXElement<'a>) {
        self.jsx = true;
        walk::walk_jsx_element(self, it);
    }

    fn visit_jsx_fragment(&mut self, it: &JSXFragment<'a>) {
        self.jsx = true;
        walk::walk_jsx_fragment(self, it);
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        if it.phase == Some(ImportPhase::Defer) {
            self.unsupported.get_or_insert((it.span, "`import defer`"));
        }
        walk::walk_import_declaration(self, it);
    }

    fn visit_string_literal(&mut self, it: &StringLiteral<'a>) {
        if node_module(&it.value).is_some() || is_builtin(&it.value) {
            self.built_in.insert(it.value.to_string());
        }
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        if it.phase == Some(ImportPhase::Defer) {
            self.unsupported.get_or_insert((it.span, "`import.defer()`"));
        }
        if let Some(specifier) = literal(&it.source) {
            let span = it.source.span();
            self.dynamic_imports.push(Import {
                specifier,
                kind: it.options.as_ref().and_then(type_option),
                unknown: it.options.as_ref().and_then(unknown_option),
                span: span.start as usize..span.end as usize,
                dynamic: true,
                source: it.phase == Some(ImportPhase::Source),
                names: Vec::new(),
                members: Vec::new(),
                called: false,
            });
        } else {
            self.computed = true;
            self.patterns.extend(Pattern::of(&it.source));
        }
        walk::walk_import_expression(self, it);
    }
}

/// The type in `{ with: { type: "text" } }`.
fn type_option(options: &Expression<'_>) -> Option<String> {
    literal(member(member(options, "with")?, TYPE)?)
}

/// Another attribute than the type there.
fn unknown_option(options: &Expression<'_>) -> Option<String> {
    let Expression::ObjectExpression(object) = member(options, "with")?.get_inner_expression() else {
        return None;
    };
    object.properties.iter().find_map(|property| match property {
        ObjectPropertyKind::ObjectProperty(property) => {
            let name = match &property.key {
                PropertyKey::StaticIdentifier(key) => key.name.as_str(),
                PropertyKey::StringLiteral(key) => key.value.as_str(),
                _ => return None,
            };
            (name != TYPE).then(|| name.to_owned())
        }
        ObjectPropertyKind::SpreadProperty(_) => None,
    })
}

fn member<'b, 'a>(object: &'b Expression<'a>, name: &str) -> Option<&'b Expression<'a>> {
    let Expression::ObjectExpression(object) = object.get_inner_expression() else {
        return None;
    };
    object.properties.iter().find_map(|property| match property {
        ObjectPropertyKind::ObjectProperty(property) => {
            let named = match &property.key {
                PropertyKey::StaticIdentifier(key) => key.name == name,
                PropertyKey::StringLiteral(key) => key.value == name,
                _ => false,
            };
            named.then_some(&property.value)
        }
        ObjectPropertyKind::SpreadProperty(_) => None,
    })
}

/// The name of a proposal whose syntax is at this place, at which the parser gave up.
pub(super) fn proposal(source: &str, span: Range<usize>) -> Option<&'static str> {
    let before = source.get(..span.start)?.trim_end();
    let rest = source.get(span.start..)?.trim_start();
    let after = |mark: &str| rest.starts_with(mark) || (rest.starts_with(&mark[1..]) && before.ends_with(&mark[..1]));
    if after("|>") {
        Some("the pipeline operator `|>`")
    } else if after("::") {
        Some("the bind operator `::`")
    } else if after("#{") {
        Some("a record `#{}`")
    } else if after("#[") {
        Some("a tuple `#[]`")
    } else if rest.starts_with("do") && (before.ends_with(['=', '(', ',', '?', ':', '>']) || before.ends_with("async"))
    {
        Some("a `do` expression")
    } else if rest.starts_with("throw") {
        Some("a `throw` expression")
    } else if before.ends_with("module") && rest.starts_with('{') {
        Some("a `module` block")
    } else if before.ends_with("export") && !rest.starts_with(['{', '*']) {
        Some("`export name from`")
    } else {
        None
    }
}
