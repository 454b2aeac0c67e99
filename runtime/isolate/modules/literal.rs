//! Strings that stand in a script as they are.

use oxc_ast::ast::Expression;
use oxc_syntax::operator::BinaryOperator;

/// The value of a string. Anything else is computed, and so no part of the graph.
pub(super) fn literal(expression: &Expression<'_>) -> Option<String> {
    match expression.get_inner_expression() {
        Expression::StringLiteral(string) => Some(string.value.to_string()),
        Expression::TemplateLiteral(template) if template.expressions.is_empty() => {
            Some(template.quasis.first()?.value.cooked?.to_string())
        }
        _ => None,
    }
}

/// The same, and sums of them: `require("a" + "")`, which hides a package from bundlers and not from Node.js.
pub(super) fn constant(expression: &Expression<'_>) -> Option<String> {
    match expression.get_inner_expression() {
        Expression::BinaryExpression(sum) if sum.operator == BinaryOperator::Addition => {
            Some(constant(&sum.left)? + &constant(&sum.right)?)
        }
        other => literal(other),
    }
}
