//! A failure as its author reads it: the message, and the failing line of their own source.

use serde::Deserialize;

use crate::fault::Fault;
use crate::isolate::modules::Graph;

/// What `js/testing/runner.js` says of a failure.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    summary: String,
    #[serde(default)]
    stack: String,
    #[serde(default)]
    cause: Option<String>,
}

impl Failure {
    /// The text, with a code frame where the stack names a file of the test.
    pub(super) fn show(&self, graph: &Graph) -> String {
        let mut message = self.summary.clone();
        if let Some(cause) = &self.cause {
            message.push_str("\ncaused by: ");
            message.push_str(cause);
        }
        let Some((name, source, offset)) = self.stack.lines().find_map(|line| place(line, graph)) else {
            return format!("{}\n", message.trim_end());
        };
        let fault = Fault::new("").at(&name, &source, offset..offset, Some("here".into()));
        let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
            .with_context_lines(2)
            .without_cause_chain();
        let mut frame = String::new();
        if handler.render_report(&mut frame, &fault).is_err() {
            return message;
        }
        let frame: Vec<&str> = frame.lines().skip_while(|line| !line.contains('[')).collect();
        format!("{}\n{}\n", message.trim_end(), frame.join("\n"))
    }
}

/// `file:///tests/a.test.js:3:10` in a line of a stack: the file's name, its text, and where the place is in it.
fn place(line: &str, graph: &Graph) -> Option<(String, String, usize)> {
    let at = &line[line.find("file:///")?..];
    let mut parts = at.trim_end_matches(')').rsplitn(3, ':');
    let column: usize = parts.next()?.parse().ok()?;
    let row: usize = parts.next()?.parse().ok()?;
    let module = graph.by_url(parts.next()?)?;
    let text = module.text();
    let before: usize = text.split_inclusive('\n').take(row.checked_sub(1)?).map(str::len).sum();
    let line = text[before..].lines().next()?;
    let within: usize = line.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    Some((module.name.clone(), text.to_owned(), before + within))
}
