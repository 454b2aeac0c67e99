//! A script of deno_node's as one of ours is written: a function that gives what the script exports, called with a
//! bootstrap object that holds no more than these scripts need.

use std::fmt::Write as _;

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    BindingPattern, Declaration, ExportDefaultDeclarationKind, ImportDeclarationSpecifier, ModuleExportName, Statement,
};
use oxc_parser::Parser;
use oxc_span::{GetSpan as _, SourceType, Span};

/// The script, which is a function that is called or an ES module.
pub(crate) fn of(source: &str, specifier: &str) -> String {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::mjs()).parse();
    assert!(!parsed.panicked, "{specifier} was printed wrong");
    let body = &parsed.program.body;
    let is_module = body.iter().any(Statement::is_module_declaration);
    let text = if is_module {
        let mut module = Module::new(source, specifier);
        body.iter().for_each(|statement| module.add(statement));
        module.finish()
    } else {
        let statement = body.first().expect("a script has a statement");
        let Statement::ExpressionStatement(statement) = statement else {
            panic!("{specifier} is no function that is called");
        };
        let span = statement.expression.span();
        format!("return {};", plain(cut(source, span)))
    };
    // Their `Deno` is ours, whatever the global scope has.
    format!("(function () {{\nconst {{ Deno }} = __bootstrap;\n{text}\n}})();\n")
}

/// The script with an object of exports that V8 makes no maps for, where it is nobody's but ours: what has a default is that to others.
fn plain(script: &str) -> String {
    const EXPORTS: &str = "\n\treturn {\n";
    let mut text = script.to_owned();
    if let Some(at) = script
        .rfind(EXPORTS)
        .filter(|at| script[*at..].contains("\n\t\tdefault: "))
    {
        text.insert_str(at + EXPORTS.len(), "\t\t__proto__: null,\n");
    }
    text
}

fn cut(source: &str, span: Span) -> &str {
    &source[span.start as usize..span.end as usize]
}

/// An ES module while it becomes a function.
struct Module<'a> {
    source: &'a str,
    specifier: &'a str,
    imports: String,
    body: String,
    /// Names that are exported, and what they stand for.
    exports: Vec<(String, String)>,
}

impl<'a> Module<'a> {
    fn new(source: &'a str, specifier: &'a str) -> Self {
        Self {
            source,
            specifier,
            imports: String::new(),
            body: String::new(),
            exports: Vec::new(),
        }
    }

    fn add(&mut self, statement: &Statement<'_>) {
        match statement {
            Statement::ImportDeclaration(import) => {
                for specifier in import.specifiers.iter().flatten() {
                    self.import(import.source.value.as_str(), specifier);
                }
            }
            Statement::ExportDeclaration(export) => {
                self.declare(&export.declaration);
                self.keep(export.declaration.span());
            }
            Statement::ExportNamedDeclaration(export) => {
                for specifier in &export.specifiers {
                    let pair = (name(&specifier.exported), name(&specifier.local));
                    self.exports.push(pair);
                }
            }
            Statement::ExportDefaultDeclaration(export) => {
                let (id, span) = match &export.declaration {
                    ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                        (function.id.as_ref().map(|id| id.name.to_string()), function.span)
                    }
                    ExportDefaultDeclarationKind::ClassDeclaration(class) => {
                        (class.id.as_ref().map(|id| id.name.to_string()), class.span)
                    }
                    other => (None, other.span()),
                };
                if let Some(id) = id {
                    self.exports.push(("default".to_owned(), id));
                    self.keep(span);
                } else {
                    let _ = writeln!(self.body, "const workerdLiteDefault = {};", cut(self.source, span));
                    self.exports
                        .push(("default".to_owned(), "workerdLiteDefault".to_owned()));
                }
            }
            Statement::ExportAllDeclaration(_) | Statement::ExportFromDeclaration(_) => {
                panic!("{} exports what is another\'s", self.specifier)
            }
            other => self.keep(other.span()),
        }
    }

    fn keep(&mut self, span: Span) {
        self.body.push_str(cut(self.source, span));
        self.body.push('\n');
    }

    fn declare(&mut self, declaration: &Declaration<'_>) {
        let mut names = Vec::new();
        match declaration {
            Declaration::FunctionDeclaration(function) => {
                names.extend(function.id.iter().map(|id| id.name.to_string()));
            }
            Declaration::ClassDeclaration(class) => names.extend(class.id.iter().map(|id| id.name.to_string())),
            Declaration::VariableDeclaration(variables) => {
                for variable in &variables.declarations {
                    bound(&variable.id, &mut names);
                }
            }
            _ => panic!("{} exports a type", self.specifier),
        }
        self.exports.extend(names.into_iter().map(|name| (name.clone(), name)));
    }

    fn import(&mut self, from: &str, specifier: &ImportDeclarationSpecifier<'_>) {
        let loaded = match from {
            "ext:core/mod.js" => "__bootstrap".to_owned(),
            "ext:core/ops" => "__bootstrap.core.ops".to_owned(),
            from => format!("__bootstrap.core.loadExtScript(\"{from}\")"),
        };
        let local = specifier.local().name.as_str();
        let _ = match specifier {
            ImportDeclarationSpecifier::ImportSpecifier(specifier) => {
                writeln!(self.imports, "const {local} = {loaded}.{};", name(&specifier.imported))
            }
            ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => {
                writeln!(self.imports, "const {local} = {loaded}.default;")
            }
            ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => {
                writeln!(self.imports, "const {local} = {loaded};")
            }
        };
    }

    fn finish(self) -> String {
        let mut text = self.imports + &self.body + "return {";
        for (name, value) in &self.exports {
            let _ = write!(text, " {name}: {value},");
        }
        text + " };"
    }
}

fn name(name: &ModuleExportName<'_>) -> String {
    name.name().to_string()
}

/// The names that a pattern binds.
fn bound(pattern: &BindingPattern<'_>, names: &mut Vec<String>) {
    match pattern {
        BindingPattern::BindingIdentifier(id) => names.push(id.name.to_string()),
        BindingPattern::ObjectPattern(object) => {
            for property in &object.properties {
                bound(&property.value, names);
            }
        }
        _ => panic!("a pattern of another kind is exported"),
    }
}
