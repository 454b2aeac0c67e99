//! Bindings that there is nothing behind.

use super::shape::Bound;
use crate::config::document::Document;
use crate::diagnostic::SourceDiagnostic as ConfigError;

/// Such a binding.
pub(super) struct Missing {
    pub(super) bound: Bound,
    /// What there is none of, in the plural.
    pub(super) what: &'static str,
}

impl Missing {
    fn message(&self) -> String {
        let what = self.what;
        match &self.bound.name {
            Some(name) if self.bound.in_env => format!("env.{name} would be missing: workerd-lite has no {what}"),
            Some(name) => format!("{name:?} has no effect: workerd-lite has no {what}"),
            None => format!("workerd-lite has no {what}"),
        }
    }
}

/// Refuses a file that has some, or warns of each where that is allowed.
pub(super) fn refuse(document: &Document, missing: &[Missing], allowed: bool) -> Result<(), ConfigError> {
    let Some((first, others)) = missing.split_first() else {
        return Ok(());
    };
    if allowed {
        for each in missing {
            let place = document.location(&each.bound.field);
            document.warn(format_args!("{place}, {}: {}", each.bound.field, each.message()));
        }
        return Ok(());
    }
    let mut help = vec!["Remove it, or serve without it: --allow-missing-bindings".to_owned()];
    help.extend(others.iter().map(|other| {
        let place = document.location(&other.bound.field);
        format!("{place}, {}: {}", other.bound.field, other.message())
    }));
    Err(document
        .complain(&first.bound.field, &first.message())
        .with_help(help.join("\n")))
}
