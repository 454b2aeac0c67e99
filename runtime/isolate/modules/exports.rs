//! The names that a CommonJS module exports, as far as its text says: what `import` has of it. The rules are those of
//! <https://github.com/nodejs/cjs-module-lexer>, over a tree where that reads words.

use std::collections::{BTreeSet, HashMap};

use oxc_ast::ast::{
    Argument, AssignmentExpression, AssignmentTarget, BindingPattern, CallExpression, Expression, Function,
    FunctionBody, ObjectExpression, ObjectProperty, ObjectPropertyKind, Program, PropertyKey, PropertyKind, Statement,
    VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan as _;
use serde::{Deserialize, Serialize};

use super::literal::literal;

/// The exports of one module.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exports {
    pub(super) names: BTreeSet<String>,
    /// Names that Node's lexer does not find, for who was written for a bundler.
    pub(super) others: BTreeSet<String>,
    /// Specifiers of modules of which all names are its own, too.
    pub(super) from: BTreeSet<String>,
}

impl Exports {
    pub(super) fn of(program: &Program<'_>) -> Self {
        let mut lexer = Lexer {
            source: program.source_text,
            ..Lexer::default()
        };
        lexer.visit_program(program);
        let mut exports = lexer.exports;
        for statement in &program.body {
            if let Statement::ExpressionStatement(statement) = statement {
                lexer.stars.extend(starred(&statement.expression));
            }
        }
        exports.from.extend(lexer.whole);
        let stars = lexer.stars.iter().filter_map(|name| lexer.required.get(name));
        exports.from.extend(stars.cloned());
        for name in lexer.getters {
            exports.names.remove(&name);
            exports.others.insert(name);
        }
        exports
    }
}

#[derive(Default)]
struct Lexer<'s> {
    source: &'s str,
    exports: Exports,
    /// What `module.exports` is assigned last.
    whole: Vec<String>,
    /// Variables that hold what was required.
    required: HashMap<String, String>,
    /// Those of which every name is copied.
    stars: Vec<String>,
    /// Names whose getters do what can not be foreseen.
    getters: Vec<String>,
}

/// Whether this is `exports` or `module.exports`.
fn is_exports(expression: &Expression<'_>) -> bool {
    match expression.get_inner_expression() {
        Expression::Identifier(name) => name.name == "exports",
        Expression::StaticMemberExpression(member) => {
            member.property.name == "exports"
                && matches!(&member.object, Expression::Identifier(object) if object.name == "module")
        }
        _ => false,
    }
}

/// The specifier of `require("a")`, or of a function's call with that.
fn required(expression: &Expression<'_>, wrapped: bool) -> Option<String> {
    let Expression::CallExpression(call) = expression.get_inner_expression() else {
        return None;
    };
    let first = call.arguments.first()?.as_expression()?;
    match &call.callee {
        Expression::Identifier(callee) if callee.name == "require" => literal(first),
        Expression::Identifier(callee) if wrapped && callee.name.as_str().starts_with("_interopRequireWildcard") => {
            required(first, false)
        }
        _ => None,
    }
}

/// The variable in `Object.keys(a).forEach(function (key) { … exports[key] = a[key] … })`.
fn starred(expression: &Expression<'_>) -> Option<String> {
    let Expression::CallExpression(call) = expression else {
        return None;
    };
    let Expression::StaticMemberExpression(callee) = &call.callee else {
        return None;
    };
    let Expression::CallExpression(keys) = &callee.object else {
        return None;
    };
    let Expression::StaticMemberExpression(of) = &keys.callee else {
        return None;
    };
    let is_keys = callee.property.name == "forEach"
        && of.property.name == "keys"
        && matches!(&of.object, Expression::Identifier(object) if object.name == "Object");
    let Some(Expression::Identifier(name)) = keys.arguments.first().and_then(Argument::as_expression) else {
        return None;
    };
    let copies = |body: &FunctionBody<'_>| {
        let mut copies = Copies(false);
        copies.visit_function_body(body);
        copies.0
    };
    let does = match call.arguments.first()?.as_expression()? {
        Expression::FunctionExpression(function) => function.body.as_ref().is_some_and(|body| copies(body)),
        _ => false,
    };
    (is_keys && does).then(|| name.name.to_string())
}

/// Whether something is put on `exports` by a computed name.
struct Copies(bool);

impl<'a> Visit<'a> for Copies {
    fn visit_assignment_expression(&mut self, it: &AssignmentExpression<'a>) {
        if let AssignmentTarget::ComputedMemberExpression(target) = &it.left {
            self.0 |= is_exports(&target.object);
        }
        walk::walk_assignment_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        let first = it.arguments.first().and_then(Argument::as_expression);
        self.0 |= is_define_property(it) && first.is_some_and(is_exports);
        walk::walk_call_expression(self, it);
    }
}

fn is_define_property(call: &CallExpression<'_>) -> bool {
    matches!(&call.callee, Expression::StaticMemberExpression(callee) if callee.property.name == "defineProperty"
        && matches!(&callee.object, Expression::Identifier(object) if object.name == "Object"))
}

/// What a descriptor says of a property: that it has a value or a getter that gives a variable or a member of one.
fn is_plain(descriptor: &ObjectExpression<'_>) -> Option<bool> {
    descriptor.properties.iter().find_map(|property| {
        let ObjectPropertyKind::ObjectProperty(property) = property else {
            return None;
        };
        let name = property.key.static_name()?;
        match &*name {
            "value" => Some(true),
            "get" => Some(match &property.value {
                Expression::FunctionExpression(function) => gives_member(function),
                _ => false,
            }),
            _ => None,
        }
    })
}

fn gives_member(function: &Function<'_>) -> bool {
    let Some(body) = &function.body else { return false };
    let [Statement::ReturnStatement(statement)] = body.statements.as_slice() else {
        return false;
    };
    match &statement.argument {
        Some(Expression::Identifier(_)) => true,
        Some(Expression::StaticMemberExpression(member)) => matches!(member.object, Expression::Identifier(_)),
        Some(Expression::ComputedMemberExpression(member)) => {
            matches!(member.object, Expression::Identifier(_))
                && matches!(member.expression, Expression::StringLiteral(_))
        }
        _ => false,
    }
}

impl Lexer<'_> {
    fn name(&mut self, name: &str) {
        self.exports.names.insert(name.to_owned());
    }

    /// `module.exports = { a, b: c, "d": e, ...require("f") }`. Node's lexer reads on while there are names and variables.
    fn object(&mut self, object: &ObjectExpression<'_>) {
        let mut reads = true;
        for property in &object.properties {
            match property {
                ObjectPropertyKind::SpreadProperty(spread) => {
                    let specifier = required(&spread.argument, false).filter(|_| reads);
                    reads &= specifier.is_some() || matches!(spread.argument, Expression::Identifier(_));
                    self.whole.extend(specifier);
                }
                ObjectPropertyKind::ObjectProperty(property) => {
                    if reads {
                        reads = self.property(property);
                    }
                    let name = property.key.static_name().filter(|_| !property.computed);
                    self.exports.others.extend(name.map(|name| name.to_string()));
                }
            }
        }
    }

    /// Whether Node's lexer reads on after a property.
    fn property(&mut self, property: &ObjectProperty<'_>) -> bool {
        let is_word = matches!(property.key, PropertyKey::StaticIdentifier(_));
        if property.computed || !(is_word || matches!(property.key, PropertyKey::StringLiteral(_))) {
            return false;
        }
        let key = self.at(property.span.start);
        if property.method || property.kind != PropertyKind::Init {
            // The first word is taken for the name.
            let word: String = key.chars().take_while(|unit| is_of_word(*unit)).collect();
            if !word.is_empty() {
                self.name(&word);
            }
            return false;
        }
        let value = self.at(property.value.span().start);
        if !value.starts_with(|unit: char| is_of_word(unit) && !unit.is_ascii_digit()) {
            return false;
        }
        if let Some(name) = property.key.static_name() {
            self.name(&name);
        }
        matches!(
            property.value,
            Expression::Identifier(_)
                | Expression::BooleanLiteral(_)
                | Expression::NullLiteral(_)
                | Expression::ThisExpression(_)
        )
    }

    fn at(&self, place: u32) -> &str {
        self.source.get(place as usize..).unwrap_or_default()
    }
}

fn is_of_word(unit: char) -> bool {
    unit.is_alphanumeric() || matches!(unit, '_' | '$')
}

impl<'a> Visit<'a> for Lexer<'_> {
    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let (BindingPattern::BindingIdentifier(name), Some(init)) = (&it.id, &it.init) {
            if let Some(specifier) = required(init, true) {
                self.required.insert(name.name.to_string(), specifier);
            }
        }
        walk::walk_variable_declarator(self, it);
    }

    fn visit_assignment_expression(&mut self, it: &AssignmentExpression<'a>) {
        match &it.left {
            AssignmentTarget::StaticMemberExpression(target) if is_exports(&target.object) => {
                self.name(target.property.name.as_str());
            }
            AssignmentTarget::ComputedMemberExpression(target) if is_exports(&target.object) => {
                if let Expression::StringLiteral(name) = &target.expression {
                    self.name(name.value.as_str());
                }
            }
            AssignmentTarget::StaticMemberExpression(target)
                if target.property.name == "exports"
                    && matches!(&target.object, Expression::Identifier(object) if object.name == "module") =>
            {
                self.whole.clear();
                match it.right.get_inner_expression() {
                    Expression::ObjectExpression(object) => self.object(object),
                    other => self.whole.extend(required(other, true)),
                }
            }
            _ => {}
        }
        walk::walk_assignment_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        let argument = |index: usize| it.arguments.get(index).and_then(Argument::as_expression);
        let callee = match &it.callee {
            Expression::Identifier(callee) => callee.name.as_str(),
            Expression::StaticMemberExpression(callee) => callee.property.name.as_str(),
            _ => "",
        };
        if matches!(callee, "__export" | "__exportStar") {
            let specifier = argument(0).and_then(|first| required(first, false));
            self.exports.from.extend(specifier);
        } else if is_define_property(it) && argument(0).is_some_and(is_exports) {
            if let (Some(Expression::StringLiteral(name)), Some(Expression::ObjectExpression(descriptor))) =
                (argument(1), argument(2))
            {
                match is_plain(descriptor) {
                    Some(true) => self.name(name.value.as_str()),
                    Some(false) => self.getters.push(name.value.to_string()),
                    None => {}
                }
            }
        }
        walk::walk_call_expression(self, it);
    }
}
