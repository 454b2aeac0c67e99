//! Why a worker did not start.

use deno_core::error::{CoreError, CoreErrorKind, JsError};
use workerd_lite_ops::worker_log::author_stack;

use super::frame::first_place;
use super::modules::Graph;
/// A script that cannot be started.
pub use crate::diagnostic::SourceDiagnostic as StartupError;

/// An exception of the engine or of the script's top level, with a frame of the author's code.
pub(super) fn from_core(error: &CoreError, graph: &Graph, what: &str) -> StartupError {
    match error.as_kind() {
        CoreErrorKind::Js(error) => from_js(error, graph, what),
        other => StartupError::new(format!("{what}: {other}")),
    }
}

fn from_js(error: &JsError, graph: &Graph, what: &str) -> StartupError {
    let mut startup = StartupError::new(format!(
        "{what}: {}",
        error
            .exception_message
            .trim_start_matches("Uncaught ")
            .trim_start_matches("(in promise) ")
    ));
    let place = error.frames.iter().find_map(|frame| {
        let module = graph.by_url(frame.file_name.as_deref()?)?;
        // The stack has the author's place of what was built.
        if module.built.is_some() {
            return None;
        }
        Some((module, frame.line_number?, frame.column_number?))
    });
    if let Some((module, line, column)) = place {
        let text = module.text();
        let start = offset(text, line, column);
        startup = startup.at(&module.name, text, start..start, Some("here".to_owned()));
    } else if let Some((name, text, start)) = error.stack.as_ref().and_then(|stack| first_place(stack, graph)) {
        startup = startup.at(&name, &text, start..start, Some("here".to_owned()));
    }
    if let Some(stack) = &error.stack {
        if stack.lines().count() > 2 {
            startup = startup.with_help(author_stack(stack));
        }
    }
    startup
}

/// The byte at a line and column, both from 1, as V8 counts them.
fn offset(text: &str, line: i64, column: i64) -> usize {
    let line = usize::try_from(line - 1).unwrap_or(0);
    let column = usize::try_from(column - 1).unwrap_or(0);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = &text[start.min(text.len())..];
    start + rest.chars().take(column).map(char::len_utf8).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn a_place_is_a_byte() {
        assert_eq!(offset("ab\ncé\n", 2, 2), 4);
        assert_eq!(offset("ab\ncé\n", 2, 3), 6);
        assert_eq!(offset("ab", 9, 9), 2);
    }
}
