//! Names that stand for constants, as bundlers replace them: `process.env.NODE_ENV`, and a project's own `define`.

use std::collections::BTreeMap;

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    AssignmentTarget, Expression, IdentifierReference, ModuleExportName, ObjectProperty, Program,
    SimpleAssignmentTarget, StaticMemberExpression, TSType, TSTypeName,
};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_semantic::{Scoping, SemanticBuilder};
use oxc_span::{GetSpan as _, SourceType, Span};

/// The script with constants in the place of names that it does not declare itself. Nothing where it has none of them, or is no
/// script: its error is told by who compiles it. Lines stay as they are.
pub(super) fn defined(source: &str, kind: SourceType, defines: &BTreeMap<String, String>) -> Option<String> {
    let may_have = |name: &String| {
        let last = name.rsplit('.').next().unwrap_or(name);
        source.contains(last) && source.contains(name.split('.').next().unwrap_or(name))
    };
    if !defines.keys().any(may_have) {
        return None;
    }
    let allocator = Allocator::default();
    let parse = |kind| Parser::new(&allocator, source, kind).parse();
    let mut parsed = parse(kind.with_unambiguous(true));
    if !parsed.diagnostics.is_empty() {
        parsed = parse(kind.with_commonjs(true));
    }
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    let program = parsed.program;
    let scoping = SemanticBuilder::new().build(&program).semantic.into_scoping();
    let mut found = Found {
        scoping: &scoping,
        defines,
        places: Vec::new(),
    };
    found.visit_program(&program);
    let mut replaced = String::with_capacity(source.len());
    let mut end = 0;
    for (span, value) in &found.places {
        let (start, after) = (span.start as usize, span.end as usize);
        replaced.push_str(source.get(end..start)?);
        replaced.push_str(value);
        // What is on the line behind it stays where it is, if there is room.
        let width = after - start;
        if value.len() < width && !source[start..after].contains('\n') {
            replaced.extend(std::iter::repeat_n(' ', width - value.len()));
        } else {
            replaced.extend(source[start..after].chars().filter(|letter| *letter == '\n'));
        }
        end = after;
    }
    replaced.push_str(source.get(end..)?);
    (!found.places.is_empty()).then_some(replaced)
}

struct Found<'s> {
    scoping: &'s Scoping,
    defines: &'s BTreeMap<String, String>,
    /// What is replaced, in the source's order, and by what.
    places: Vec<(Span, String)>,
}

impl Found<'_> {
    /// Whether no code declares it: `declare const NAME` says that somebody else does.
    fn is_free(&self, name: &IdentifierReference<'_>) -> bool {
        name.reference_id.get().is_some_and(|id| {
            let symbol = self.scoping.get_reference(id).symbol_id();
            symbol.is_none_or(|symbol| self.scoping.symbol_flags(symbol).is_ambient())
        })
    }

    /// `a.b.c` of a member, where `a` is nobody's.
    fn path(&self, member: &StaticMemberExpression<'_>) -> Option<String> {
        let object = match &member.object {
            Expression::Identifier(name) if self.is_free(name) => name.name.to_string(),
            Expression::StaticMemberExpression(inner) => self.path(inner)?,
            Expression::ImportMeta(_) => "import.meta".to_owned(),
            _ => return None,
        };
        Some(format!("{object}.{}", member.property.name))
    }

    fn replace(&mut self, span: Span, path: &str) -> bool {
        let Some(value) = self.defines.get(path) else {
            return false;
        };
        // An object is none at the beginning of a statement.
        let value = if value.starts_with(['{', '-']) || value.contains([' ', '.']) && !value.starts_with('"') {
            format!("({value})")
        } else {
            value.clone()
        };
        self.places.push((span, value));
        true
    }
}

impl<'a> Visit<'a> for Found<'_> {
    fn visit_program(&mut self, it: &Program<'a>) {
        walk::walk_program(self, it);
        self.places.sort_by_key(|(span, _)| span.start);
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        if let Some(path) = self.path(it) {
            if self.replace(it.span(), &path) {
                return;
            }
        }
        walk::walk_static_member_expression(self, it);
    }

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        if self.is_free(it) {
            self.replace(it.span, &it.name);
        }
    }

    // Types and names of exports are no constants.
    fn visit_ts_type(&mut self, _: &TSType<'a>) {}

    fn visit_ts_type_name(&mut self, _: &TSTypeName<'a>) {}

    fn visit_module_export_name(&mut self, _: &ModuleExportName<'a>) {}

    // What is assigned is no constant.
    fn visit_assignment_target(&mut self, it: &AssignmentTarget<'a>) {
        match it {
            AssignmentTarget::StaticMemberExpression(member) => self.visit_expression(&member.object),
            AssignmentTarget::AssignmentTargetIdentifier(_) => {}
            _ => walk::walk_assignment_target(self, it),
        }
    }

    fn visit_simple_assignment_target(&mut self, it: &SimpleAssignmentTarget<'a>) {
        match it {
            SimpleAssignmentTarget::StaticMemberExpression(member) => self.visit_expression(&member.object),
            SimpleAssignmentTarget::AssignmentTargetIdentifier(_) => {}
            _ => walk::walk_simple_assignment_target(self, it),
        }
    }

    fn visit_object_property(&mut self, it: &ObjectProperty<'a>) {
        // `{ NAME }` is `{ NAME: NAME }`.
        if let (true, Expression::Identifier(name)) = (it.shorthand, &it.value) {
            let before = self.places.len();
            if self.is_free(name) && self.replace(name.span, &name.name) {
                if let Some((_, value)) = self.places.get_mut(before) {
                    *value = format!("{}: {value}", name.name);
                }
            }
            return;
        }
        walk::walk_object_property(self, it);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use oxc_span::SourceType;

    use super::defined;

    #[test]
    fn names_that_are_declared_for_others_are_replaced() {
        let defines: BTreeMap<String, String> = [("VERSION", "1"), ("CONFIG", "{}"), ("A.b", "2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        for (source, expected) in [
            (
                "declare const VERSION: string; f(VERSION)",
                Some("declare const VERSION: string; f(1      )"),
            ),
            (
                "declare let CONFIG: { a: 1 }, A: any;\nf({ CONFIG }, A.b)",
                Some("declare let CONFIG: { a: 1 }, A: any;\nf({ CONFIG: ({}) }, 2  )"),
            ),
            (
                "declare global { var VERSION: number }\nf(VERSION)",
                Some("declare global { var VERSION: number }\nf(1      )"),
            ),
            (
                "declare function VERSION(): void; declare namespace A { const b: 1 } f(VERSION, A.b)",
                Some("declare function VERSION(): void; declare namespace A { const b: 1 } f(1      , 2  )"),
            ),
            ("declare const VERSION: 1; function g(VERSION) { f(VERSION) }", None),
            (
                "let x: typeof VERSION; class B implements A.b {} export { VERSION };",
                None,
            ),
        ] {
            assert_eq!(
                defined(source, SourceType::ts(), &defines).as_deref(),
                expected,
                "{source}"
            );
        }
    }

    #[test]
    fn names_that_nobody_declares_are_replaced() {
        let defines: BTreeMap<String, String> = [
            ("process.env.NODE_ENV", "\"production\""),
            ("VERSION", "1"),
            ("CONFIG", "{\"a\":[1]}"),
            ("import.meta.env", "{}"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (source, expected) in [
            (
                "if (process.env.NODE_ENV !== 'x') a();",
                Some("if (\"production\"         !== 'x') a();"),
            ),
            ("const process = {}; process.env.NODE_ENV", None),
            ("'process.env.NODE_ENV VERSION'", None),
            ("process.env.NODE_ENV = 'x'; x.process.env.NODE_ENV", None),
            ("process.env.NODE_ENV.length", Some("\"production\"        .length")),
            (
                "f(VERSION, { VERSION }, { VERSION: 2 }, x.VERSION)",
                Some("f(1      , { VERSION: 1 }, { VERSION: 2 }, x.VERSION)"),
            ),
            ("const VERSION = 3; f(VERSION)", None),
            ("CONFIG.a[0]", Some("({\"a\":[1]}).a[0]")),
            ("return VERSION", Some("return 1      ")),
            ("import.meta.env.MODE", Some("({})           .MODE")),
            ("VERSION++", None),
            ("no such thing VERSION", None),
        ] {
            assert_eq!(
                defined(source, SourceType::mjs(), &defines).as_deref(),
                expected,
                "{source}"
            );
        }
    }
}
