//! The text of a policy as its author wrote it, parsed.

mod denial;
mod mention;
mod promise;

use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_parser::Parser;
use serde::Serialize;

use crate::diagnostic::position;
use crate::isolate::modules::{Content, Graph, Module, on_deep_stack, source_type};
pub(super) use denial::{Denial, denies};
pub(super) use mention::{Kind, Mention, Template};

/// A place in the policy's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    /// The file, by its path within the project.
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
    /// From 1, in characters.
    pub(super) column: usize,
    /// The line, without the space around it.
    pub(super) code: String,
}

impl Place {
    /// The place of a byte of a module's text.
    pub(super) fn of(file: &str, text: &str, offset: u32) -> Self {
        let (line, column) = position(text, offset as usize);
        let code = text.lines().nth(line - 1).unwrap_or_default().trim().to_owned();
        Self {
            file: file.to_owned(),
            line,
            column,
            code,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.code)
    }
}

/// What a policy's text says.
#[derive(Debug, Default)]
pub(super) struct PolicyText {
    /// Its strings and regular expressions.
    pub(super) mentions: Vec<Mention>,
    /// Its strings that something is put into.
    pub(super) templates: Vec<Template>,
    /// What it says that it denies.
    pub(super) denials: Vec<Denial>,
    /// Promises that are taken for truth values.
    pub(super) promises: Vec<Place>,
}

impl PolicyText {
    /// Of all modules of a policy but those of packages.
    pub(super) fn of(graph: &Graph) -> Self {
        let read = || {
            let mut text = Self::default();
            let mut asynchronous = Vec::new();
            for module in own_scripts(graph) {
                parse(module, |program| asynchronous.extend(promise::names(program)));
            }
            for module in own_scripts(graph) {
                parse(module, |program| {
                    let (mentions, templates) = mention::mentions(module, program);
                    text.mentions.extend(mentions);
                    text.templates.extend(templates);
                    text.denials.extend(denial::denials(module, program));
                    text.promises
                        .extend(promise::conditions(module, program, &asynchronous));
                });
            }
            text
        };
        on_deep_stack(read).unwrap_or_default()
    }
}

/// The scripts of a policy that are its author's own.
pub(super) fn own_scripts(graph: &Graph) -> impl Iterator<Item = &Module> {
    graph.modules().filter(|module| {
        let is_packaged = module.path.components().any(|part| part.as_os_str() == "node_modules");
        matches!(module.content, Content::Script(_)) && !is_packaged
    })
}

/// A module's text with spaces in the place of all that is no comment: what stands in a string is no word of its author's to us.
pub(super) fn comments(module: &Module) -> String {
    let text = module.text();
    let mut kept: Vec<u8> = text
        .bytes()
        .map(|byte| if byte == b'\n' || byte == b'\r' { byte } else { b' ' })
        .collect();
    parse(module, |program| {
        for comment in &program.comments {
            let span = comment.span.start as usize..comment.span.end as usize;
            if let (Some(to), Some(from)) = (kept.get_mut(span.clone()), text.as_bytes().get(span)) {
                to.copy_from_slice(from);
            }
        }
    });
    String::from_utf8(kept).unwrap_or_default()
}

/// Reads a module's text. It was read before, without an error.
pub(super) fn parse(module: &Module, look: impl FnOnce(&Program<'_>)) {
    let allocator = Allocator::default();
    let parsed = Parser::new(
        &allocator,
        module.text(),
        source_type(&module.name).with_commonjs(module.commonjs),
    )
    .parse();
    look(&parsed.program);
}
