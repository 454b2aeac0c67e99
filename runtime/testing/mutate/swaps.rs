//! What operators are swapped for.

use std::ops::Range;

use oxc_ast::ast::{Expression, LogicalExpression};
use oxc_span::{GetSpan as _, Span};
use oxc_syntax::operator::BinaryOperator;

/// The bytes of a span.
pub(super) fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

/// The operator that says the opposite.
pub(super) fn opposite(operator: BinaryOperator) -> Option<&'static str> {
    Some(match operator {
        BinaryOperator::StrictEquality => "!==",
        BinaryOperator::StrictInequality => "===",
        BinaryOperator::Equality => "!=",
        BinaryOperator::Inequality => "==",
        _ => return None,
    })
}

/// The operator that is off by one.
pub(super) fn boundary(operator: BinaryOperator) -> Option<&'static str> {
    Some(match operator {
        BinaryOperator::LessThan => "<=",
        BinaryOperator::LessEqualThan => "<",
        BinaryOperator::GreaterThan => ">=",
        BinaryOperator::GreaterEqualThan => ">",
        _ => return None,
    })
}

/// Whether an operand is one of the other operator, without parentheses.
pub(super) fn is_mixed(it: &LogicalExpression<'_>) -> bool {
    [&it.left, &it.right]
        .iter()
        .any(|operand| matches!(operand, Expression::LogicalExpression(_)))
}

/// The expression with each operand in parentheses.
pub(super) fn regrouped(text: &str, it: &LogicalExpression<'_>, operator: &str) -> String {
    let source = |span: Span| text.get(range(span)).unwrap_or_default();
    format!(
        "(({}) {operator} ({}))",
        source(it.left.span()),
        source(it.right.span())
    )
}
