//! Promises as conditions. A promise is an object, and every object is true: a check that is not awaited allows everything.

use oxc_ast::ast::{
    ConditionalExpression, Expression, Function, IfStatement, LogicalExpression, Program, UnaryExpression,
    VariableDeclarator, WhileStatement,
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
        found: Vec::new(),
    };
    conditions.visit_program(program);
    conditions.found
}

struct Conditions<'m> {
    module: &'m Module,
    asynchronous: &'m [String],
    found: Vec<Place>,
}

impl Conditions<'_> {
    fn judge(&mut self, condition: &Expression<'_>) {
        let Expression::CallExpression(call) = condition.without_parentheses() else {
            return;
        };
        let name = match &call.callee {
            Expression::Identifier(callee) => callee.name.as_str(),
            _ => return,
        };
        if self.asynchronous.iter().any(|known| known == name) {
            let place = Place::of(&self.module.name, self.module.text(), call.span().start);
            if !self.found.contains(&place) {
                self.found.push(place);
            }
        }
    }
}

impl<'a> Visit<'a> for Conditions<'_> {
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
