//! The names that an ES module's own statements export.

use std::collections::BTreeSet;

use oxc_ast::ast::{BindingIdentifier, Declaration, Program, Statement};
use oxc_ast_visit::Visit;

/// What a module's statements export by name, types among it.
pub(super) fn exported(program: &Program<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in &program.body {
        match statement {
            Statement::ExportDeclaration(export) => match &export.declaration {
                Declaration::VariableDeclaration(variables) => {
                    let mut bound = Bound(&mut names);
                    for variable in &variables.declarations {
                        bound.visit_binding_pattern(&variable.id);
                    }
                }
                declaration => names.extend(declaration.id().map(|id| id.name.to_string())),
            },
            Statement::ExportNamedDeclaration(export) => {
                names.extend(export.specifiers.iter().map(|name| name.exported.name().to_string()));
            }
            Statement::ExportFromDeclaration(export) => {
                names.extend(export.specifiers.iter().map(|name| name.exported.name().to_string()));
            }
            _ => {}
        }
    }
    names
}

struct Bound<'n>(&'n mut BTreeSet<String>);

impl<'a> Visit<'a> for Bound<'_> {
    fn visit_binding_identifier(&mut self, it: &BindingIdentifier<'a>) {
        self.0.insert(it.name.to_string());
    }
}
