//! What a policy's text says that it denies: conditions whose consequence is a denial, and rules as data.

use oxc_ast::ast::{
    Argument, ArrayExpression, ConditionalExpression, Expression, IfStatement, ObjectExpression, ObjectPropertyKind,
    Program, RegExpLiteral, Statement, StringLiteral, SwitchCase, UnaryExpression, VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan as _;
use oxc_syntax::operator::{BinaryOperator, LogicalOperator, UnaryOperator};

use super::Place;
use super::mention::Kind;
use crate::isolate::modules::Module;

/// What must hold: of each inner list, one of the strings and regular expressions.
pub(in crate::testing) type Conditions = Vec<Vec<(Kind, String)>>;

/// One of them.
#[derive(Debug, Clone)]
pub(in crate::testing) struct Denial {
    /// The strings and regular expressions that stand in its conditions: an inner list for each that must hold.
    pub(in crate::testing) conditions: Conditions,
    /// Whether it is a rule as data, which has texts that are no conditions too, such as its name.
    pub(in crate::testing) is_data: bool,
    pub(in crate::testing) place: Place,
}

/// Those of a module.
pub(super) fn denials(module: &Module, program: &Program<'_>) -> Vec<Denial> {
    let mut finder = Finder {
        module,
        around: Vec::new(),
        found: Vec::new(),
    };
    finder.visit_program(program);
    finder.found
}

struct Finder<'m> {
    module: &'m Module,
    /// The conditions of the statements around; nothing of those that are not understood.
    around: Vec<Option<Conditions>>,
    found: Vec<Denial>,
}

impl Finder<'_> {
    fn note(&mut self, conditions: Option<Conditions>, offset: u32) {
        let all: Option<Vec<_>> = self.around.iter().cloned().chain([conditions]).collect();
        if let Some(all) = all {
            self.found.push(Denial {
                conditions: all.into_iter().flatten().collect(),
                is_data: false,
                place: Place::of(&self.module.name, self.module.text(), offset),
            });
        }
    }

    /// A rule as data is judged by itself, wherever it stands.
    fn data(&mut self, conditions: Conditions, offset: u32) {
        if !conditions.is_empty() {
            self.found.push(Denial {
                conditions,
                is_data: true,
                place: Place::of(&self.module.name, self.module.text(), offset),
            });
        }
    }
}

impl<'a> Visit<'a> for Finder<'_> {
    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        let conditions = conditions(&it.test);
        if statement_denies(&it.consequent) {
            self.note(conditions.clone(), it.span.start);
        }
        self.around.push(conditions);
        self.visit_statement(&it.consequent);
        self.around.pop();
        if let Some(alternate) = &it.alternate {
            // What does not hold there is no condition that a request can meet by itself.
            self.around.push(Some(Vec::new()));
            self.visit_statement(alternate);
            self.around.pop();
        }
    }

    fn visit_switch_case(&mut self, it: &SwitchCase<'a>) {
        if let (Some(test), true) = (&it.test, it.consequent.last().is_some_and(statement_denies)) {
            self.note(conditions(test), it.span.start);
        }
        walk::walk_switch_case(self, it);
    }

    /// `const DENIED = ["/admin"]`: each of a list that is named so.
    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        let name = it
            .id
            .get_identifier_name()
            .map(|name| name.to_lowercase())
            .unwrap_or_default();
        let is_list = ["den", "block", "forbid", "reject"]
            .iter()
            .any(|stem| name.contains(stem))
            && !name.contains("un");
        let list = match &it.init {
            Some(Expression::ArrayExpression(list)) => Some(list.as_ref()),
            Some(Expression::NewExpression(new)) => match new.arguments.first().and_then(|first| first.as_expression())
            {
                Some(Expression::ArrayExpression(list)) => Some(list.as_ref()),
                _ => None,
            },
            _ => None,
        };
        if let Some(list) = list.filter(|_| is_list) {
            for element in list.elements.iter().filter_map(|element| element.as_expression()) {
                let texts = strings(element);
                if let ([_], false) = (&*texts, matches!(element, Expression::ObjectExpression(_))) {
                    self.data(vec![texts], element.span().start);
                }
            }
        }
        walk::walk_variable_declarator(self, it);
    }

    /// `["deny", "/admin"]`: a rule as a list.
    fn visit_array_expression(&mut self, it: &ArrayExpression<'a>) {
        let texts: Vec<_> = it
            .elements
            .iter()
            .filter_map(|element| element.as_expression())
            .map(|element| match element {
                Expression::ArrayExpression(_) | Expression::ObjectExpression(_) => Vec::new(),
                element => strings(element),
            })
            .collect();
        let words: Vec<&str> = texts.iter().flatten().map(|(_, text)| text.as_str()).collect();
        let says = |word: Option<&&str>| word.is_some_and(|word| is_verdict(word));
        if texts.len() == it.elements.len() && words.len() > 1 && (says(words.first()) || says(words.last())) {
            let others = texts
                .into_iter()
                .filter(|texts| !texts.iter().any(|(_, text)| is_verdict(text)));
            self.data(others.filter(|texts| !texts.is_empty()).collect(), it.span.start);
        }
        walk::walk_array_expression(self, it);
    }

    fn visit_conditional_expression(&mut self, it: &ConditionalExpression<'a>) {
        if denies(&it.consequent) {
            self.note(conditions(&it.test), it.span.start);
        }
        walk::walk_conditional_expression(self, it);
    }

    fn visit_object_expression(&mut self, it: &ObjectExpression<'a>) {
        let denies = it.properties.iter().any(|property| match property {
            ObjectPropertyKind::ObjectProperty(property) => {
                let key = property.key.static_name().unwrap_or_default().to_lowercase();
                match &property.value {
                    Expression::BooleanLiteral(value) => {
                        let (allows, forbids) = (key.starts_with("allow") || key == "permit", is_denying(&key));
                        (allows && !value.value) || (forbids && value.value)
                    }
                    Expression::StringLiteral(value) => {
                        let decides = [
                            "action", "effect", "verdict", "decision", "then", "do", "policy", "type", "result",
                            "outcome",
                        ];
                        decides.contains(&&*key) && is_denying(&value.value.to_lowercase())
                    }
                    _ => false,
                }
            }
            ObjectPropertyKind::SpreadProperty(_) => false,
        });
        if denies {
            let each = it.properties.iter().filter_map(|property| match property {
                ObjectPropertyKind::ObjectProperty(property) => Some(strings(&property.value)),
                ObjectPropertyKind::SpreadProperty(_) => None,
            });
            let each: Vec<_> = each
                .map(|texts| {
                    texts
                        .into_iter()
                        .filter(|(_, text)| !is_denying(&text.to_lowercase()))
                        .collect::<Vec<_>>()
                })
                .filter(|texts| !texts.is_empty())
                .collect();
            self.data(each, it.span.start);
        }
        walk::walk_object_expression(self, it);
    }
}

/// Whether a text is a verdict by itself.
fn is_verdict(text: &str) -> bool {
    [
        "deny",
        "denied",
        "block",
        "blocked",
        "reject",
        "forbid",
        "forbidden",
        "refuse",
        "drop",
    ]
    .contains(&&*text.to_lowercase())
}

fn is_denying(word: &str) -> bool {
    ["deny", "denie", "block", "reject", "forbid", "refuse", "drop"]
        .iter()
        .any(|stem| word.starts_with(stem))
}

/// Whether a statement's end is a denial.
fn statement_denies(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::BlockStatement(block) => block.body.last().is_some_and(statement_denies),
        Statement::ReturnStatement(statement) => statement.argument.as_ref().is_some_and(denies),
        Statement::ThrowStatement(_) => true,
        _ => false,
    }
}

/// Whether an expression makes a denial.
pub(in crate::testing) fn denies(expression: &Expression<'_>) -> bool {
    match expression.without_parentheses() {
        Expression::AwaitExpression(wait) => denies(&wait.argument),
        Expression::CallExpression(call) => match &call.callee {
            Expression::Identifier(callee) => is_denying(&callee.name.to_lowercase()),
            Expression::StaticMemberExpression(callee) => {
                let name = callee.property.name.as_str();
                name == "error" || is_denying(&name.to_lowercase()) || (name == "json" && fails(&call.arguments))
            }
            _ => false,
        },
        Expression::NewExpression(new) => fails(&new.arguments),
        Expression::Identifier(name) => is_denying(&name.name.to_lowercase()),
        _ => false,
    }
}

/// Whether the second argument has a status from 400.
fn fails(arguments: &[Argument<'_>]) -> bool {
    let Some(Expression::ObjectExpression(options)) = arguments.get(1).and_then(|options| options.as_expression())
    else {
        return false;
    };
    options.properties.iter().any(|property| match property {
        ObjectPropertyKind::ObjectProperty(property) if property.key.static_name().as_deref() == Some("status") => {
            matches!(&property.value, Expression::NumericLiteral(status) if status.value >= 400.0)
        }
        _ => false,
    })
}

/// What must hold for a condition to. Nothing where that is not a matter of strings alone.
fn conditions(test: &Expression<'_>) -> Option<Conditions> {
    if let Expression::LogicalExpression(both) = test.without_parentheses() {
        if both.operator == LogicalOperator::And {
            let mut all = conditions(&both.left)?;
            all.extend(conditions(&both.right)?);
            return Some(all);
        }
    }
    let texts = strings(test);
    (!texts.is_empty()).then(|| vec![texts])
}

/// The strings of an expression that stand in no negation.
fn strings(expression: &Expression<'_>) -> Vec<(Kind, String)> {
    let mut strings = Strings::default();
    strings.visit_expression(expression);
    strings.0
}

#[derive(Default)]
struct Strings(Vec<(Kind, String)>);

impl<'a> Visit<'a> for Strings {
    fn visit_string_literal(&mut self, it: &StringLiteral<'a>) {
        self.0.push((Kind::Text, it.value.to_string()));
    }

    fn visit_reg_exp_literal(&mut self, it: &RegExpLiteral<'a>) {
        self.0.push((Kind::Regex, it.regex.pattern.text.to_string()));
    }

    fn visit_unary_expression(&mut self, it: &UnaryExpression<'a>) {
        if it.operator != UnaryOperator::LogicalNot {
            walk::walk_unary_expression(self, it);
        }
    }

    fn visit_binary_expression(&mut self, it: &oxc_ast::ast::BinaryExpression<'a>) {
        if !matches!(
            it.operator,
            BinaryOperator::Inequality | BinaryOperator::StrictInequality
        ) {
            walk::walk_binary_expression(self, it);
        }
    }
}
