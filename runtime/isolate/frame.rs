//! The line of an author's source that a stack names.

use super::modules::Graph;
use crate::diagnostic::SourceDiagnostic;

/// A code frame for the first place of a stack that lies in one of these modules.
pub(crate) fn frame(stack: &str, graph: &Graph) -> Option<String> {
    let (name, source, offset) = first_place(stack, graph)?;
    let fault = SourceDiagnostic::new("").at(&name, &source, offset..offset, Some("here".into()));
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
        .with_context_lines(2)
        .without_cause_chain();
    let mut frame = String::new();
    handler.render_report(&mut frame, &fault).ok()?;
    let frame: Vec<&str> = frame.lines().skip_while(|line| !line.contains('[')).collect();
    Some(frame.join("\n"))
}

/// The first place of a stack that lies in one of these modules: the file's name, its text, and where the place is in it.
pub(super) fn first_place(stack: &str, graph: &Graph) -> Option<(String, String, usize)> {
    let packaged = |line: &&str| line.contains("/node_modules/") || line.contains("(node_modules/");
    // An author's own line says more than one of an assertion library's.
    let own = stack
        .lines()
        .filter(|line| !packaged(line))
        .find_map(|line| place(line, graph));
    own.or_else(|| stack.lines().find_map(|line| place(line, graph)))
}

/// `at f (file:///tests/a.test.js:3:10)` or `at f (tests/a.test.js:3:10)`: the file's name, its text, and where the place
/// is in it.
fn place(line: &str, graph: &Graph) -> Option<(String, String, usize)> {
    let at = line.trim().strip_prefix("at ").unwrap_or(line).trim_end_matches(')');
    let at = at.rsplit_once('(').map_or(at, |(_, at)| at);
    let mut parts = at.rsplitn(3, ':');
    let column: usize = parts.next()?.parse().ok()?;
    let row: usize = parts.next()?.parse().ok()?;
    let file = parts.next()?;
    let named = file.strip_prefix("file:///").unwrap_or(file);
    // A map may name what was built by the name of a file that is a module itself.
    let source = || graph.modules().find_map(|module| module.built.as_ref()?.text(named));
    let (name, text) = match graph
        .by_url(file)
        .or_else(|| graph.modules().find(|module| module.name == file))
    {
        Some(module) => (module.name.as_str(), module.text()),
        None => (named, source()?),
    };
    let before: usize = text.split_inclusive('\n').take(row.checked_sub(1)?).map(str::len).sum();
    let line = text[before..].lines().next()?;
    let within: usize = line.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    Some((name.to_owned(), text.to_owned(), before + within))
}
