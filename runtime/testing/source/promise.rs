//! Promises as conditions. A promise is an object, and every object is true: a check that is not awaited allows everything.

use oxc_ast::ast::{
    CallExpression, ConditionalExpression, Expression, Function, IfStatement, LogicalExpression, MethodDefinition,
    ObjectProperty, Program, UnaryExpression, VariableDeclarator, WhileStatement,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan as _;
use oxc_syntax::operator::UnaryOperator;
use oxc_syntax::scope::ScopeFlags;

use super::Place;
use crate::isolate::modules::Module;

/// The names of a module's asynchronous functions.
pub(super) fn names(program: &Program<'_>) -> Vec<String> {
    let mut names = Names::default();
    names.visit_program(program);
    names.asynchronous.retain(|name| !names.others.contains(name));
    names.asynchronous
}

#[derive(Default)]
struct Names {
    asynchronous: Vec<String>,
    /// A name of two functions tells nothing.
    others: Vec<String>,
}

impl Names {
    fn note(&mut self, name: &str, asynchronous: bool) {
        let names = if asynchronous {
            &mut self.asynchronous
        } else {
            &mut self.others
        };
        names.push(name.to_owned());
    }
}

impl<'a> Visit<'a> for Names {
    fn visit_function(&mut self, it: &Function<'a>, flags: ScopeFlags) {
        if let Some(id) = &it.id {
            self.note(&id.name, it.r#async && !it.generator);
        }
        walk::walk_function(self, it, flags);
    }

    fn visit_object_property(&mut self, it: &ObjectProperty<'a>) {
        if let Some(name) = it.key.static_name() {
            match &it.value {
                Expression::ArrowFunctionExpression(arrow) => self.note(&name, arrow.r#async),
                Expression::FunctionExpression(function) => self.note(&name, function.r#async && !function.generator),
                _ => {}
            }
        }
        walk::walk_object_property(self, it);
    }

    fn visit_method_definition(&mut self, it: &MethodDefinition<'a>) {
        if let Some(name) = it.key.static_name() {
            self.note(&name, it.value.r#async && !it.value.generator);
        }
        walk::walk_method_definition(self, it);
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let Some(name) = it.id.get_identifier_name() {
            match &it.init {
                Some(Expression::ArrowFunctionExpression(arrow)) => self.note(&name, arrow.r#async),
                Some(Expression::FunctionExpression(function)) => self.note(&name, function.r#async),
                _ => {}
            }
        }
        walk::walk_variable_declarator(self, it);
    }
}

/// Where one of these functions is called for a truth value.
pub(super) fn conditions(module: &Module, program: &Program<'_>, asynchronous: &[String]) -> Vec<Place> {
    let mut conditions = Conditions {
        module,
        asynchronous,
        promises: Vec::new(),
        found: Vec::new(),
    };
    conditions.visit_program(program);
    conditions.found
}

struct Conditions<'m> {
    module: &'m Module,
    asynchronous: &'m [String],
    /// Names that hold such a promise.
    promises: Vec<String>,
    found: Vec<Place>,
}

impl Conditions<'_> {
    fn judge(&mut self, condition: &Expression<'_>) {
        let condition = condition.without_parentheses();
        let is_promise = match condition {
            Expression::CallExpression(call) => self.gives_promise(call) || is_asked_by_promise(call),
            Expression::Identifier(name) => self.promises.iter().any(|promise| *promise == name.name.as_str()),
            _ => false,
        };
        if is_promise {
            let place = Place::of(&self.module.name, self.module.text(), condition.span().start);
            if !self.found.contains(&place) {
                self.found.push(place);
            }
        }
    }

    fn gives_promise(&self, call: &CallExpression<'_>) -> bool {
        let name = match &call.callee {
            Expression::Identifier(callee) => callee.name.as_str(),
            Expression::StaticMemberExpression(callee) => callee.property.name.as_str(),
            _ => return false,
        };
        // What everything has is nobody's own.
        let is_common = matches!(name, "fetch" | "get" | "has" | "test" | "match" | "includes" | "then");
        !is_common && self.asynchronous.iter().any(|known| known == name)
    }
}

/// `rules.some(async (rule) => …)`: each answer is a promise, and true.
fn is_asked_by_promise(call: &CallExpression<'_>) -> bool {
    let Expression::StaticMemberExpression(callee) = &call.callee else {
        return false;
    };
    let asks = matches!(callee.property.name.as_str(), "some" | "every" | "find" | "filter");
    let first = call.arguments.first().and_then(|first| first.as_expression());
    asks && match first {
        Some(Expression::ArrowFunctionExpression(arrow)) => arrow.r#async,
        Some(Expression::FunctionExpression(function)) => function.r#async,
        _ => false,
    }
}

impl<'a> Visit<'a> for Conditions<'_> {
    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let (Some(name), Some(Expression::CallExpression(call))) = (it.id.get_identifier_name(), &it.init) {
            if self.gives_promise(call) {
                self.promises.push(name.to_string());
            }
        }
        walk::walk_variable_declarator(self, it);
    }

    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        self.judge(&it.test);
        walk::walk_if_statement(self, it);
    }

    fn visit_while_statement(&mut self, it: &WhileStatement<'a>) {
        self.judge(&it.test);
        walk::walk_while_statement(self, it);
    }

    fn visit_conditional_expression(&mut self, it: &ConditionalExpression<'a>) {
        self.judge(&it.test);
        walk::walk_conditional_expression(self, it);
    }

    fn visit_logical_expression(&mut self, it: &LogicalExpression<'a>) {
        // What stands on the right may be the value rather than a condition.
        self.judge(&it.left);
        walk::walk_logical_expression(self, it);
    }

    fn visit_unary_expression(&mut self, it: &UnaryExpression<'a>) {
        if it.operator == UnaryOperator::LogicalNot {
            self.judge(&it.argument);
        }
        walk::walk_unary_expression(self, it);
    }
}
