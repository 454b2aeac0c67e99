//! The text of a file of snapshots, as Node.js writes it: ``exports[`name 1`] = `…`;`` for each.
//! <https://nodejs.org/api/test.html#snapshot-testing>

use std::collections::BTreeMap;
use std::fmt::Write as _;

use oxc_allocator::Allocator;
use oxc_ast::ast::{AssignmentTarget, Expression, Statement};
use oxc_parser::Parser;
use oxc_span::{GetSpan as _, SourceType};

use crate::diagnostic::position;
use crate::isolate::modules::{is_too_deep, on_deep_stack};

/// Reads a file without running it: it may be nothing but assignments of texts to names. Gives the number of the line that is
/// something else.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, String>, usize> {
    if is_too_deep(text) {
        return Err(1);
    }
    on_deep_stack(|| parsed(text)).unwrap_or(Err(1))
}

fn parsed(text: &str) -> Result<BTreeMap<String, String>, usize> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::cjs()).parse();
    if !parsed.diagnostics.is_empty() || parsed.panicked {
        return Err(1);
    }
    let mut entries = BTreeMap::new();
    for statement in &parsed.program.body {
        let (name, value) = entry(statement).ok_or_else(|| position(text, statement.span().start as usize).0)?;
        entries.insert(name, value);
    }
    Ok(entries)
}

fn entry(statement: &Statement<'_>) -> Option<(String, String)> {
    let Statement::ExpressionStatement(statement) = statement else {
        return None;
    };
    let Expression::AssignmentExpression(assignment) = &statement.expression else {
        return None;
    };
    let AssignmentTarget::ComputedMemberExpression(member) = &assignment.left else {
        return None;
    };
    let exports = matches!(&member.object, Expression::Identifier(name) if name.name == "exports");
    (exports && assignment.operator.is_assign())
        .then(|| Some((string(&member.expression)?, string(&assignment.right)?)))
        .flatten()
}

fn string(expression: &Expression<'_>) -> Option<String> {
    match expression {
        Expression::StringLiteral(literal) => Some(literal.value.to_string()),
        Expression::TemplateLiteral(literal) if literal.expressions.is_empty() => {
            Some(literal.quasis.first()?.value.cooked?.to_string())
        }
        _ => None,
    }
}

/// Writes a file, sorted by names.
pub(super) fn write(entries: &BTreeMap<String, String>) -> String {
    let mut written: Vec<(String, &String)> = entries.iter().map(|(name, value)| (key(name), value)).collect();
    // As JavaScript sorts.
    written.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    let mut text = String::new();
    for (index, (name, value)) in written.into_iter().enumerate() {
        let between = if index > 0 { "\n" } else { "" };
        let _ = writeln!(text, "{between}exports[`{name}`] = `{}`;", escape(value));
    }
    text
}

/// A name as JSON has it, in a template.
fn key(name: &str) -> String {
    let json = serde_json::Value::from(name).to_string();
    let inner = json.get(1..json.len() - 1).unwrap_or_default();
    inner.replace('`', "\\`").replace("${", "\\${")
}

fn escape(value: &str) -> String {
    // A carriage return would be read as a line feed.
    let value = value.replace('\\', "\\\\").replace('`', "\\`").replace("${", "\\${");
    value.replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let texts = ["\n{\n  \"a\": 1\n}\n", "`${x}` \\ \r\n \u{2028} $ {", "", "\u{1f600}"];
        let entries: BTreeMap<String, String> = texts
            .iter()
            .map(|text| (format!("name {text}"), (*text).to_owned()))
            .collect();
        assert_eq!(read(&write(&entries)), Ok(entries));
    }

    #[test]
    fn nothing_else_is_read() {
        for (text, line) in [
            ("exports[`a`] = `b`;\nfetch(`x`);", 2),
            ("exports[`a`] = `${process.env.TOKEN}`;", 1),
            ("exports[`a`] += `b`;", 1),
            ("exports[", 1),
            (&"(".repeat(1_000_000), 1),
            ("module.exports = {};", 1),
        ] {
            assert_eq!(read(text), Err(line), "{text}");
        }
    }
}
