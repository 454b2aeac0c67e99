//! Finds what is counted in a module's syntax, by its bytes.

use oxc_ast::ast;
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use oxc_syntax::scope::ScopeFlags;

use crate::isolate::is_counted;

/// Whether code can go past all arms of a branch, and be counted there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It can not, or that is nothing to cover: the left side of `&&` runs in any case.
    None,
    /// It can: an `if` without an `else`.
    Past,
}

#[derive(Debug)]
pub(super) struct FoundBranch {
    pub(super) at: u32,
    pub(super) arms: Vec<u32>,
    pub(super) rest: Rest,
}

#[derive(Debug)]
pub(super) struct FoundFunction {
    pub(super) name: String,
    pub(super) at: u32,
    pub(super) body: u32,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) statements: Vec<u32>,
    pub(super) branches: Vec<FoundBranch>,
    pub(super) functions: Vec<FoundFunction>,
    /// The name that the function has which comes next.
    name: Option<String>,
}

impl Found {
    /// All places, sorted.
    pub(super) fn bytes(&self) -> Vec<u32> {
        let branches = self
            .branches
            .iter()
            .flat_map(|branch| branch.arms.iter().chain([&branch.at]));
        let functions = self
            .functions
            .iter()
            .flat_map(|function| [&function.at, &function.body]);
        let mut bytes: Vec<u32> = self
            .statements
            .iter()
            .chain(branches)
            .chain(functions)
            .copied()
            .collect();
        bytes.sort_unstable();
        bytes.dedup();
        bytes
    }

    fn branch(&mut self, at: Span, arms: impl IntoIterator<Item = Span>, rest: Rest) {
        let arms = arms.into_iter().map(|arm| arm.start).collect();
        self.branches.push(FoundBranch {
            at: at.start,
            arms,
            rest,
        });
    }

    /// A branch whose ways are expressions, which are code of their own.
    fn expressions(&mut self, at: Span, arms: &[Span]) {
        self.statements.extend(arms.iter().map(|arm| arm.start));
        self.branch(at, arms.iter().copied(), Rest::None);
    }

    fn default(&mut self, at: Span, value: &ast::Expression<'_>) {
        if is_counted(value) {
            self.expressions(at, &[value.span()]);
        }
    }

    fn function(&mut self, own: Option<&str>, at: Span, body: u32) {
        let given = self.name.take();
        let number = self.functions.len();
        let name = own
            .map(ToOwned::to_owned)
            .or(given)
            .unwrap_or_else(|| format!("(anonymous_{number})"));
        // A name may be there twice, which lists do not bear.
        let taken = self.functions.iter().any(|function| function.name == name);
        let name = if taken { format!("{name}_{number}") } else { name };
        self.functions.push(FoundFunction {
            name,
            at: at.start,
            body,
        });
    }

    fn named(&mut self, name: Option<String>, value: Option<&ast::Expression<'_>>) {
        use ast::Expression as E;
        if matches!(value, Some(E::FunctionExpression(_) | E::ArrowFunctionExpression(_))) {
            self.name = name;
        }
    }
}

fn key(key: &ast::PropertyKey<'_>) -> Option<String> {
    key.static_name().map(|name| name.to_string())
}

impl<'a> Visit<'a> for Found {
    fn visit_statement(&mut self, statement: &ast::Statement<'a>) {
        use ast::Statement as S;
        // Declarations of functions and imports do nothing by themselves.
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
            self.statements.push(statement.span().start);
        }
        walk::walk_statement(self, statement);
    }

    fn visit_if_statement(&mut self, it: &ast::IfStatement<'a>) {
        let arms = [Some(it.consequent.span()), it.alternate.as_ref().map(GetSpan::span)];
        let rest = if it.alternate.is_some() { Rest::None } else { Rest::Past };
        self.branch(it.span, arms.into_iter().flatten(), rest);
        walk::walk_if_statement(self, it);
    }

    fn visit_conditional_expression(&mut self, it: &ast::ConditionalExpression<'a>) {
        self.expressions(it.span, &[it.consequent.span(), it.alternate.span()]);
        walk::walk_conditional_expression(self, it);
    }

    fn visit_logical_expression(&mut self, it: &ast::LogicalExpression<'a>) {
        self.expressions(it.span, &[it.right.span()]);
        walk::walk_logical_expression(self, it);
    }

    fn visit_switch_statement(&mut self, it: &ast::SwitchStatement<'a>) {
        let arms = it.cases.iter().filter_map(|case| case.consequent.first());
        self.branch(it.span, arms.map(GetSpan::span), Rest::None);
        walk::walk_switch_statement(self, it);
    }

    fn visit_try_statement(&mut self, it: &ast::TryStatement<'a>) {
        if let Some(handler) = &it.handler {
            self.branch(it.span, [handler.body.span], Rest::None);
        }
        walk::walk_try_statement(self, it);
    }

    fn visit_formal_parameter(&mut self, it: &ast::FormalParameter<'a>) {
        if let Some(default) = &it.initializer {
            self.default(it.span, default);
        }
        walk::walk_formal_parameter(self, it);
    }

    fn visit_assignment_pattern(&mut self, it: &ast::AssignmentPattern<'a>) {
        self.default(it.span, &it.right);
        walk::walk_assignment_pattern(self, it);
    }

    fn visit_assignment_target_with_default(&mut self, it: &ast::AssignmentTargetWithDefault<'a>) {
        self.default(it.span, &it.init);
        walk::walk_assignment_target_with_default(self, it);
    }

    fn visit_assignment_target_property_identifier(&mut self, it: &ast::AssignmentTargetPropertyIdentifier<'a>) {
        if let Some(default) = &it.init {
            self.default(it.span, default);
        }
        walk::walk_assignment_target_property_identifier(self, it);
    }

    fn visit_assignment_expression(&mut self, it: &ast::AssignmentExpression<'a>) {
        if it.operator.is_logical() {
            self.default(it.span, &it.right);
        }
        let name = it
            .left
            .as_simple_assignment_target()
            .and_then(ast::SimpleAssignmentTarget::get_identifier_name);
        self.named(name.map(ToOwned::to_owned), Some(&it.right));
        walk::walk_assignment_expression(self, it);
    }

    fn visit_variable_declarator(&mut self, it: &ast::VariableDeclarator<'a>) {
        let name = it.id.get_identifier_name().map(|name| name.to_string());
        self.named(name, it.init.as_ref());
        walk::walk_variable_declarator(self, it);
    }

    fn visit_object_property(&mut self, it: &ast::ObjectProperty<'a>) {
        self.named(key(&it.key), Some(&it.value));
        walk::walk_object_property(self, it);
    }

    fn visit_property_definition(&mut self, it: &ast::PropertyDefinition<'a>) {
        self.named(key(&it.key), it.value.as_ref());
        walk::walk_property_definition(self, it);
    }

    fn visit_method_definition(&mut self, it: &ast::MethodDefinition<'a>) {
        self.name = key(&it.key);
        walk::walk_method_definition(self, it);
    }

    fn visit_function(&mut self, it: &ast::Function<'a>, flags: ScopeFlags) {
        if let Some(body) = &it.body {
            self.function(it.id.as_ref().map(|id| id.name.as_str()), it.span, body.span.start);
        }
        walk::walk_function(self, it, flags);
    }

    fn visit_arrow_function_expression(&mut self, it: &ast::ArrowFunctionExpression<'a>) {
        let body = it.body.span().start;
        self.function(None, it.span, body);
        if it.body.as_expression().is_some() {
            self.statements.push(body);
        }
        walk::walk_arrow_function_expression(self, it);
    }
}
