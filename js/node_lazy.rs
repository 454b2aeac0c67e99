//! What a script takes of another, taken when it is first used: most of what an isolate imports is never called.

use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast::ast::{BindingIdentifier, BindingPattern, CallExpression, Expression, PropertyKey, VariableDeclarator};
use oxc_parser::Parser;
use oxc_semantic::{Semantic, SemanticBuilder};
use oxc_span::{GetSpan as _, SourceType, Span};

/// The script, with each name that it takes of one of `late` looked up there where it stands. Names in the script begin with no
/// `$late`.
pub(crate) fn of(source: &str, late: &[&str]) -> String {
    if !late.iter().any(|specifier| source.contains(specifier)) {
        return source.to_owned();
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::cjs()).parse();
    assert!(!parsed.panicked, "a script was printed wrong:\n{source}");
    let semantic = SemanticBuilder::new()
        .with_build_nodes(true)
        .build(&parsed.program)
        .semantic;
    let mut edits = Vec::new();
    for node in semantic.nodes().iter() {
        let AstKind::VariableDeclaration(declaration) = node.kind() else {
            continue;
        };
        let [declarator] = declaration.declarations.as_slice() else {
            continue;
        };
        let Some(loaded) = declarator.init.as_ref().and_then(|init| Loaded::of(source, init, late)) else {
            continue;
        };
        let name = format!("$late{}", edits.len());
        let Some(taken) = taken(declarator) else { continue };
        for (identifier, property) in taken {
            let property = property.map_or_else(String::new, |property| format!(".{property}"));
            let value = format!("(0, {name}(){}{property})", loaded.property);
            replace_uses(&semantic, identifier, &value, &mut edits);
        }
        let text = format!("let {name}$; const {name} = () => {name}$ ??= {};", loaded.script);
        edits.push((declaration.span, text));
    }
    edits.sort_by_key(|(span, _)| span.start);
    let mut text = String::with_capacity(source.len());
    let mut from = 0;
    for (span, instead) in edits {
        text.push_str(&source[from..span.start as usize]);
        text.push_str(&instead);
        from = span.end as usize;
    }
    text + &source[from..]
}

/// The value of a declaration: a script, or what it has under a name.
struct Loaded<'a> {
    script: &'a str,
    property: String,
}

impl<'a> Loaded<'a> {
    fn of(source: &'a str, value: &Expression<'_>, late: &[&str]) -> Option<Self> {
        match value {
            Expression::CallExpression(call) => is_late(source, call, late).then(|| Self {
                script: cut(source, call.span),
                property: String::new(),
            }),
            Expression::StaticMemberExpression(member) => {
                let mut loaded = Self::of(source, &member.object, late)?;
                loaded.property = format!("{}.{}", loaded.property, member.property.name);
                Some(loaded)
            }
            _ => None,
        }
    }
}

/// Whether a call gives one of the scripts: `core.loadExtScript("…")`, `core.createLazyLoader("…")()`, or of a name that is such a
/// loader.
fn is_late(source: &str, call: &CallExpression<'_>, late: &[&str]) -> bool {
    let is_one_of = |call: &CallExpression<'_>, function: &str| {
        let argument = call.arguments.first().and_then(|argument| argument.as_expression());
        cut(source, call.callee.span()).ends_with(function)
            && matches!(argument, Some(Expression::StringLiteral(specifier)) if late.contains(&specifier.value.as_str()))
    };
    match &call.callee {
        Expression::CallExpression(loader) => is_one_of(loader, ".createLazyLoader"),
        Expression::Identifier(loader) => late.iter().any(|specifier| {
            let declared = format!("const {} = core.createLazyLoader(\"{specifier}\");", loader.name);
            source.contains(&declared)
        }),
        _ => is_one_of(call, ".loadExtScript"),
    }
}

fn cut(source: &str, span: Span) -> &str {
    &source[span.start as usize..span.end as usize]
}

/// The names that a declaration binds, each with the property that it is, where it is one. None where the pattern does more.
fn taken<'a, 'b>(declarator: &'b VariableDeclarator<'a>) -> Option<Vec<(&'b BindingIdentifier<'a>, Option<String>)>> {
    match &declarator.id {
        BindingPattern::BindingIdentifier(identifier) => Some(vec![(identifier, None)]),
        BindingPattern::ObjectPattern(pattern) if pattern.rest.is_none() => pattern
            .properties
            .iter()
            .map(|property| match (&property.key, &property.value) {
                (PropertyKey::StaticIdentifier(key), BindingPattern::BindingIdentifier(identifier)) => {
                    Some((&**identifier, Some(key.name.to_string())))
                }
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

fn replace_uses(
    semantic: &Semantic<'_>,
    identifier: &BindingIdentifier<'_>,
    value: &str,
    edits: &mut Vec<(Span, String)>,
) {
    let nodes = semantic.nodes();
    for reference in semantic.scoping().get_resolved_references(identifier.symbol_id()) {
        let span = nodes.kind(reference.node_id()).span();
        let text = match nodes.parent_kind(reference.node_id()) {
            AstKind::ObjectProperty(property) if property.shorthand => format!("{}: {value}", identifier.name),
            _ => value.to_owned(),
        };
        edits.push((span, text));
    }
}
