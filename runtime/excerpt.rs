//! The part of a source that a diagnostic shows. A line may have a million columns, of which nobody reads more than a few, and the
//! library that writes frames panics beyond 65,535.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// How many characters of the line with the fault are shown on each side of it, and of its own.
const SIDE: usize = 120;

const CUT: char = '\u{2026}';

/// How many lines around it are cut. Those further away are not shown.
const LINES: usize = 5;

/// A source whose lines around one place are cut to what can be read.
#[derive(Debug)]
pub(crate) struct Excerpt {
    name: String,
    text: String,
    /// The place, in `text`.
    span: Range<usize>,
    /// The same in the source: its line and column, both from 1.
    position: (usize, usize),
}

impl Excerpt {
    /// What is shown of a place in a file's text.
    pub(crate) fn new(name: &str, source: &str, span: Range<usize>) -> Self {
        let start = source.floor_char_boundary(span.start);
        let line_start = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |length| start + length);
        let end = source.floor_char_boundary(span.end).clamp(start, line_end);
        let mut to_the_left = source[line_start..start].char_indices().rev();
        let shown_from = to_the_left.nth(SIDE - 1).map_or(line_start, |(at, _)| line_start + at);
        let mut to_the_right = source[start..line_end].char_indices();
        let shown_to = to_the_right.nth(SIDE).map_or(line_end, |(at, _)| start + at);
        let end = end.min(shown_to);

        // The lines above keep their number. Those that may be shown are cut.
        let near = source[..line_start]
            .rmatch_indices('\n')
            .nth(LINES)
            .map_or(0, |(at, _)| at + 1);
        let mut text = source[..near].to_owned();
        text.extend(source[near..line_start].split_inclusive('\n').map(cut));
        if shown_from > line_start {
            text.push(CUT);
        }
        text.push_str(&source[shown_from..start]);
        let at = text.len();
        text.push_str(&source[start..shown_to]);
        if shown_to < line_end {
            text.push(CUT);
        }
        text.extend(source[line_end..].split_inclusive('\n').take(LINES).map(cut));
        Self {
            name: name.to_owned(),
            text,
            span: at..at + (end - start),
            position: position(source, start),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What is shown, with lines before it that keep its number.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The place, in what is shown.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The line and column in the source, both from 1.
    pub(crate) fn position(&self) -> (usize, usize) {
        self.position
    }
}

/// The line and column of a byte, both from 1.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// A line, with its end, as far as it is read.
fn cut(line: &str) -> String {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    match text.char_indices().nth(2 * SIDE) {
        Some((at, _)) => format!("{}{CUT}{end}", &text[..at]),
        None => line.to_owned(),
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.text.read_span(span, before, after)?;
        // What is asked for with nothing around it is where the frame says that it is.
        let column = if before == 0 && after == 0 && span.offset() == self.span.start {
            self.position.1 - 1
        } else {
            contents.column()
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            contents.data(),
            *contents.span(),
            contents.line(),
            column,
            contents.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use miette::{GraphicalReportHandler, GraphicalTheme};

    use crate::diagnostic::SourceDiagnostic;

    fn rendered(source: &str, span: std::ops::Range<usize>) -> String {
        let error = SourceDiagnostic::new("wrong").at("a.js", source, span, Some("here".into()));
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(80);
        let mut text = String::new();
        handler.render_report(&mut text, &error).unwrap();
        text
    }

    #[test]
    fn short_lines_are_shown_whole() {
        let text = rendered("a\nlet b = 1\nlet c = 2\nd", 6..7);
        assert!(
            text.contains("[a.js:2:5]") && text.contains("2 \u{2502} let b = 1") && text.contains("let c = 2"),
            "{text}"
        );
    }

    #[test]
    fn long_lines_are_cut_and_their_place_is_told() {
        let long = "\u{e9};".repeat(100_000);
        let source = format!("first\n{long}FAULT{long}\n{long}\nlast");
        let start = source.find("FAULT").unwrap();
        for span in [start..start + 5, start..source.len(), start..start] {
            let text = rendered(&source, span);
            assert!(text.contains("[a.js:2:200001]"), "{text}");
            assert!(
                text.contains("FAULT") && text.contains("first") && text.len() < 4000,
                "{text}"
            );
        }
        for span in [
            0..0,
            source.len()..source.len(),
            source.len() + 9..source.len() + 10,
            7..8,
        ] {
            assert!(rendered(&source, span).len() < 4000);
        }
        assert!(rendered("", 0..1).contains("wrong"));
        assert!(rendered("a\r\nb\r\n", 3..90).contains("[a.js:2:1]"));
    }
}
