//! What scripts say, in a log that somebody reads: nothing of it is a line of its own, moves the cursor or turns the text around.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::field::Field;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// How the text of an event's fields is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    /// As it is: the host's own words.
    Plain,
    /// Further lines are indented, such as those of a stack.
    Lines,
    /// All of it is one line.
    Line,
    /// Further lines are indented, and colours are shown.
    Coloured,
}

/// Whether whoever reads is the author of the scripts.
static DEVELOPS: AtomicBool = AtomicBool::new(false);

/// Who reads is the author of the scripts: console lines may have several lines, and colours. None of them passes for one of the host's all the same.
pub(super) fn develops() {
    DEVELOPS.store(true, Ordering::Relaxed);
}

thread_local! {
    static TEXT: Cell<Text> = const { Cell::new(Text::Lines) };
}

/// Events in the format within, with their text as it may be.
pub(super) struct Readable<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Readable<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let target = event.metadata().target();
        let text = match target {
            "console" if DEVELOPS.load(Ordering::Relaxed) => Text::Coloured,
            "console" => Text::Line,
            // Reports of the configuration show its lines, in colours.
            target if target.starts_with("workerd_lite") => Text::Plain,
            _ => Text::Lines,
        };
        let before = TEXT.replace(text);
        let written = self.0.format_event(context, writer, event);
        TEXT.set(before);
        written
    }
}

/// One field of an event or a span.
pub(super) fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let mut safe = Escaped {
        writer,
        text: TEXT.get(),
    };
    match field.name() {
        "message" => write!(safe, "{value:?}"),
        name => write!(safe, "{name}={value:?}"),
    }
}

struct Escaped<W> {
    writer: W,
    text: Text,
}

impl<W: Write> Write for Escaped<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text == Text::Plain || !text.contains(is_special) {
            return self.writer.write_str(text);
        }
        let (mut skipped, mut coloured) = (0, false);
        for (at, character) in text.char_indices() {
            if at < skipped {
                continue;
            }
            match character {
                '\n' if matches!(self.text, Text::Lines | Text::Coloured) => self.writer.write_str("\n    ")?,
                '\u{1b}' if self.text == Text::Coloured && colour(&text[at..]).is_some() => {
                    let sequence = colour(&text[at..]).unwrap_or_default();
                    skipped = at + sequence.len();
                    coloured = true;
                    self.writer.write_str(sequence)?;
                }
                special if is_special(special) => write!(self.writer, "{}", special.escape_default())?,
                other => self.writer.write_char(other)?,
            }
        }
        // What a script does not end goes no further than its own text.
        if coloured {
            self.writer.write_str("\u{1b}[0m")?;
        }
        Ok(())
    }
}

/// The sequence that a text begins with, where it sets nothing but how text looks (ECMA-48, SGR).
fn colour(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("\u{1b}[")?;
    let numbers = rest.find(|character: char| !character.is_ascii_digit() && character != ';')?;
    rest[numbers..].starts_with('m').then(|| &text[..numbers + 3])
}

/// Controls but for the tab, line ends of Unicode's, and what sets the direction of text (Unicode Standard Annex #9).
fn is_special(character: char) -> bool {
    match character {
        '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{feff}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: Text, value: &str) -> String {
        let mut out = String::new();
        let mut escaped = Escaped { writer: &mut out, text };
        escaped.write_str(value).unwrap();
        out
    }

    #[test]
    fn nothing_looks_like_a_line_of_the_hosts() {
        let forged = "a\n2026-01-01 INFO forged\r\u{1b}[2J\u{202e}b\u{2028}c\u{85}d\te";
        let line = written(Text::Line, forged);
        assert_eq!(
            line,
            "a\\n2026-01-01 INFO forged\\r\\u{1b}[2J\\u{202e}b\\u{2028}c\\u{85}d\te"
        );
        let lines = written(Text::Lines, forged);
        assert!(lines.starts_with("a\n    2026") && !lines.contains(['\r', '\u{1b}', '\u{202e}']));
        let coloured = written(Text::Coloured, &format!("\u{1b}[1;31mred {forged}"));
        assert!(coloured.starts_with("\u{1b}[1;31mred a\n    2026") && coloured.ends_with("\te\u{1b}[0m"));
        assert!(
            coloured.contains("\\u{1b}[2J") && !coloured.contains('\r'),
            "{coloured:?}"
        );
        assert_eq!(written(Text::Plain, forged), forged);
        assert_eq!(written(Text::Line, "größe – 漢字 🙂"), "größe – 漢字 🙂");
    }
}
