//! Which exports a script takes of a module by the name that it gives to all of them: `import * as a from "a"`, and `a.b` further on.

use std::collections::{BTreeSet, HashMap};

use oxc_ast::ast::{
    BindingPattern, Expression, ImportDeclarationSpecifier, Program, Statement, StaticMemberExpression,
    VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};

/// Members by the names of namespaces.
pub(super) struct Members<'a> {
    of: HashMap<&'a str, BTreeSet<String>>,
}

impl<'a> Members<'a> {
    pub(super) fn of(program: &'a Program<'a>) -> Self {
        let imports = program.body.iter().filter_map(|statement| match statement {
            Statement::ImportDeclaration(import) => import.specifiers.as_ref(),
            _ => None,
        });
        let namespaces = imports.flatten().filter_map(|specifier| match specifier {
            ImportDeclarationSpecifier::ImportNamespaceSpecifier(all) => {
                Some((all.local.name.as_str(), BTreeSet::new()))
            }
            _ => None,
        });
        let mut members = Self {
            of: namespaces.collect(),
        };
        if !members.of.is_empty() {
            members.visit_program(program);
        }
        members
    }

    /// Those of one, in their order.
    pub(super) fn take(&mut self, namespace: &str) -> impl Iterator<Item = String> + use<> {
        self.of.remove(namespace).unwrap_or_default().into_iter()
    }

    fn named(&mut self, object: &Expression<'_>) -> Option<&mut BTreeSet<String>> {
        match object.get_inner_expression() {
            Expression::Identifier(name) => self.of.get_mut(name.name.as_str()),
            _ => None,
        }
    }
}

impl<'a> Visit<'a> for Members<'_> {
    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        if let Some(members) = self.named(&it.object) {
            members.insert(it.property.name.to_string());
        }
        walk::walk_static_member_expression(self, it);
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let (BindingPattern::ObjectPattern(pattern), Some(init)) = (&it.id, &it.init)
            && let Some(members) = self.named(init)
        {
            let names = pattern.properties.iter().filter(|property| !property.computed);
            members.extend(names.filter_map(|property| property.key.static_name().map(|name| name.to_string())));
        }
        walk::walk_variable_declarator(self, it);
    }
}
