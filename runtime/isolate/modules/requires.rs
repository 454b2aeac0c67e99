//! What a script requires by literal names, and by names of which a part is literal.

use std::collections::HashSet;

use oxc_ast::ast::{
    Argument, AssignmentExpression, AssignmentTarget, BinaryExpression, BindingPattern, CallExpression, Expression,
    Program, TSImportEqualsDeclaration, TSModuleReference, VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan as _, Span};
use oxc_syntax::operator::BinaryOperator;
use serde::{Deserialize, Serialize};

use super::import::Import;
use super::literal::{constant, literal};
use super::relative::is_relative;

/// A name of which the middle is computed: `"./locale/" + name + ".js"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pattern {
    pub(super) before: String,
    pub(super) after: String,
}

impl Pattern {
    /// What a computed name of a file may be. Nothing where its beginning is computed too, or where it is no relative name.
    pub(super) fn of(name: &Expression<'_>) -> Option<Self> {
        let mut parts = Vec::new();
        flatten(name, &mut parts);
        let before = parts.first().cloned().flatten()?;
        let is_computed = parts.iter().any(Option::is_none);
        (is_computed && is_relative(&before)).then(|| Self {
            before,
            after: parts.pop().flatten().unwrap_or_default(),
        })
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Every `require()` and `require.resolve()` with a literal name.
    pub(super) literal: Vec<Import>,
    pub(super) patterns: Vec<Pattern>,
    /// Whether it requires something by a name of which nothing is known.
    pub(super) computed: bool,
    /// The names that it takes of what is required there and then, by specifiers.
    taken: Vec<(String, Vec<String>)>,
    /// What `createRequire()` was assigned to.
    created: HashSet<String>,
    /// Whether `require` and `module` are there without.
    commonjs: bool,
}

impl Found {
    /// What a CommonJS module requires, or an ES module by `createRequire()`.
    pub(super) fn of(program: &Program<'_>, commonjs: bool) -> Self {
        let mut found = Self {
            commonjs,
            ..Self::default()
        };
        found.visit_program(program);
        // The call within was met by itself, too.
        let called: HashSet<String> = found
            .literal
            .iter()
            .filter(|it| it.called)
            .map(|it| it.specifier.clone())
            .collect();
        for import in &mut found.literal {
            import.called |= called.contains(&import.specifier);
            let taken = found.taken.iter().filter(|(of, _)| *of == import.specifier);
            import.names.extend(taken.flat_map(|(_, names)| names.iter().cloned()));
        }
        found
    }

    fn is_require(&self, callee: &Expression<'_>) -> bool {
        match callee.get_inner_expression() {
            Expression::Identifier(name) => {
                (self.commonjs && name.name == "require") || self.created.contains(name.name.as_str())
            }
            Expression::StaticMemberExpression(member) => match member.property.name.as_str() {
                "resolve" => self.is_require(&member.object),
                "require" => self.commonjs && is_named(&member.object, "module"),
                _ => false,
            },
            other => is_create_require(other),
        }
    }

    /// `require` itself, which some hide from bundlers by another name.
    fn is_plain(&self, value: &Expression<'_>) -> bool {
        self.commonjs && is_named(value, "require")
    }

    fn add(&mut self, specifier: String, span: Span, called: bool) {
        self.literal.push(Import {
            specifier,
            kind: None,
            unknown: None,
            span: span.start as usize..span.end as usize,
            dynamic: false,
            source: false,
            names: Vec::new(),
            members: Vec::new(),
            called,
        });
    }

    fn require(&mut self, name: &Expression<'_>, called: bool) {
        if let Some(specifier) = constant(name) {
            self.add(specifier, name.span(), called);
            return;
        }
        match name.get_inner_expression() {
            Expression::ConditionalExpression(either) => {
                self.require(&either.consequent, called);
                self.require(&either.alternate, called);
            }
            Expression::LogicalExpression(either) => {
                self.require(&either.left, called);
                self.require(&either.right, called);
            }
            other => {
                let mut parts = Vec::new();
                flatten(other, &mut parts);
                match whole(parts) {
                    Some(whole) => self.add(whole, other.span(), called),
                    None => match Pattern::of(other) {
                        Some(pattern) => self.patterns.push(pattern),
                        None => self.computed = true,
                    },
                }
            }
        }
    }
}

/// The parts of a text that is put together, one after the other; nothing for what is computed.
fn flatten(expression: &Expression<'_>, parts: &mut Vec<Option<String>>) {
    let mut push = |part: Option<String>| match (parts.last_mut(), part) {
        (Some(Some(last)), Some(part)) => last.push_str(&part),
        (Some(None), None) => {}
        (_, part) => parts.push(part),
    };
    match expression.get_inner_expression() {
        Expression::StringLiteral(text) => push(Some(text.value.to_string())),
        Expression::Identifier(name) if name.name == "__dirname" => push(Some(".".to_owned())),
        Expression::TemplateLiteral(template) => {
            for (index, text) in template.quasis.iter().enumerate() {
                let text = text.value.cooked.map(|text| text.to_string());
                if text.as_deref() != Some("") {
                    push(text);
                }
                if let Some(value) = template.expressions.get(index) {
                    push(is_named(value, "__dirname").then(|| ".".to_owned()));
                }
            }
        }
        Expression::BinaryExpression(sum) if sum.operator == BinaryOperator::Addition => {
            let BinaryExpression { left, right, .. } = &**sum;
            flatten(left, parts);
            flatten(right, parts);
        }
        // `path.join(__dirname, "a", name)`
        Expression::CallExpression(call) if is_join(&call.callee) => {
            join(call, parts);
        }
        _ => push(None),
    }
}

fn join(call: &CallExpression<'_>, parts: &mut Vec<Option<String>>) {
    for (index, argument) in call.arguments.iter().filter_map(Argument::as_expression).enumerate() {
        if index > 0 {
            flatten_text("/", parts);
        }
        flatten(argument, parts);
    }
}

fn flatten_text(text: &str, parts: &mut Vec<Option<String>>) {
    match parts.last_mut() {
        Some(Some(last)) => last.push_str(text),
        _ => parts.push(Some(text.to_owned())),
    }
}

pub(super) fn is_join(callee: &Expression<'_>) -> bool {
    match callee {
        Expression::StaticMemberExpression(member) => matches!(member.property.name.as_str(), "join" | "resolve"),
        Expression::Identifier(name) => name.name == "join",
        _ => false,
    }
}

/// `__dirname + "/a"`, as a path from the script's folder on.
pub(super) fn beside_itself(left: &Expression<'_>, right: &Expression<'_>) -> Option<String> {
    let mut parts = Vec::new();
    flatten(left, &mut parts);
    flatten(right, &mut parts);
    whole(parts)
}

/// `path.join(__dirname, "a")`, likewise.
pub(super) fn joined_beside_itself(call: &CallExpression<'_>) -> Option<String> {
    let mut parts = Vec::new();
    join(call, &mut parts);
    whole(parts)
}

fn whole(parts: Vec<Option<String>>) -> Option<String> {
    let whole: Option<String> = parts.into_iter().collect();
    whole.filter(|whole| whole.starts_with("./") || whole.starts_with("../"))
}

fn is_named(expression: &Expression<'_>, name: &str) -> bool {
    matches!(expression, Expression::Identifier(found) if found.name == name)
}

/// `createRequire(import.meta.url)`, or the same of `module`.
fn is_create_require(expression: &Expression<'_>) -> bool {
    let Expression::CallExpression(call) = expression.get_inner_expression() else {
        return false;
    };
    match &call.callee {
        Expression::Identifier(name) => name.name.as_str().to_ascii_lowercase().ends_with("createrequire"),
        Expression::StaticMemberExpression(member) => member.property.name == "createRequire",
        _ => false,
    }
}

impl<'a> Visit<'a> for Found {
    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let (BindingPattern::BindingIdentifier(name), Some(init)) = (&it.id, &it.init) {
            if is_create_require(init) || self.is_plain(init) {
                self.created.insert(name.name.to_string());
            }
        }
        if let (BindingPattern::ObjectPattern(pattern), Some(Expression::CallExpression(call))) = (&it.id, &it.init) {
            let first = call.arguments.first().and_then(Argument::as_expression);
            if let Some(specifier) = first.and_then(literal).filter(|_| self.is_require(&call.callee)) {
                let keys = pattern.properties.iter().filter(|_| pattern.rest.is_none());
                let names = keys.filter_map(|property| Some(property.key.static_name()?.into_owned()));
                self.taken
                    .push((specifier, names.filter(|name| name != "default").collect()));
            }
        }
        walk::walk_variable_declarator(self, it);
    }

    fn visit_assignment_expression(&mut self, it: &AssignmentExpression<'a>) {
        if let AssignmentTarget::AssignmentTargetIdentifier(name) = &it.left {
            if is_create_require(&it.right) || self.is_plain(&it.right) {
                self.created.insert(name.name.to_string());
            }
        }
        walk::walk_assignment_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        let (required, called) = match it.callee.get_inner_expression() {
            Expression::CallExpression(inner) if self.is_require(&inner.callee) => (&**inner, true),
            _ => (it, false),
        };
        if self.is_require(&required.callee) {
            if let Some(name) = required.arguments.first().and_then(Argument::as_expression) {
                self.require(name, called);
            }
        }
        walk::walk_call_expression(self, it);
    }

    fn visit_ts_import_equals_declaration(&mut self, it: &TSImportEqualsDeclaration<'a>) {
        if let TSModuleReference::ExternalModuleReference(reference) = &it.module_reference {
            self.add(reference.expression.value.to_string(), reference.expression.span, false);
        }
        walk::walk_ts_import_equals_declaration(self, it);
    }
}
