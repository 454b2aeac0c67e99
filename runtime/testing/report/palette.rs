//! The colours of results on a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

/// Which colours there are; none where the reader is no terminal.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    good: Style,
    bad: Style,
    apart: Style,
    faint: Style,
    title: Style,
}

impl Palette {
    /// The usual colours, or none.
    pub const fn of(coloured: bool) -> Self {
        const PLAIN: Style = Style::new();
        if !coloured {
            return Self {
                good: PLAIN,
                bad: PLAIN,
                apart: PLAIN,
                faint: PLAIN,
                title: PLAIN,
            };
        }
        Self {
            good: AnsiColor::Green.on_default(),
            bad: AnsiColor::Red.on_default(),
            apart: AnsiColor::Yellow.on_default(),
            faint: PLAIN.dimmed(),
            title: PLAIN.bold(),
        }
    }

    pub(super) fn good(self, text: &str) -> String {
        each_line(self.good, text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        each_line(self.bad, text)
    }

    /// What was not run, or does not count.
    pub(super) fn apart(self, text: &str) -> String {
        each_line(self.apart, text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        each_line(self.faint, text)
    }

    pub(super) fn title(self, text: &str) -> String {
        each_line(self.title, text)
    }

    /// A failure: its first line, and what is missing or too much in a difference.
    pub(super) fn failure(self, text: &str) -> String {
        let mut shown = String::new();
        for (index, line) in text.trim_end().lines().enumerate() {
            let style = match line.get(..2) {
                _ if index == 0 => self.bad,
                Some("+ ") => self.good,
                Some("- ") => self.bad,
                _ => Style::new(),
            };
            let _ = writeln!(shown, "{}", each_line(style, line));
        }
        shown
    }
}

/// A style ends with its line: what stands before the next one has none.
fn each_line(style: Style, text: &str) -> String {
    if style.is_plain() || text.is_empty() {
        return text.to_owned();
    }
    let lines: Vec<String> = text.split('\n').map(|line| format!("{style}{line}{style:#}")).collect();
    lines.join("\n")
}
