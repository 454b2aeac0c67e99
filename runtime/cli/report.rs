//! Errors of a command, as whoever typed it reads them: straight to standard error, coloured on a terminal unless `NO_COLOR` is set.

use std::fmt;
use std::io::Write as _;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, MietteHandler, MietteHandlerOpts, Report, ReportHandler as _,
};

use crate::diagnostic::SourceDiagnostic;

/// Paths and URLs are copied from an error: none is broken in two.
fn options() -> MietteHandlerOpts {
    MietteHandlerOpts::new()
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
}

/// Reports that become a part of a log or of a test's result have no colours: who reads those is not known.
pub(super) fn start() {
    // It fails where an embedder has set one, which holds then.
    let _ = miette::set_hook(Box::new(|_| {
        Box::new(options().graphical_theme(GraphicalTheme::unicode_nocolor()).build())
    }));
}

struct Shown<'a>(&'a dyn Diagnostic, MietteHandler);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.debug(self.0, f)
    }
}

/// Tells an error that ends the command, or this run of it. A log for machines has it as an event.
pub(super) fn report(report: &Report) {
    let parts: Vec<&dyn Diagnostic> = report.related().into_iter().flatten().collect();
    if parts.is_empty() {
        tell(report.as_ref());
        return;
    }
    for part in parts {
        tell(part);
    }
    // Its parts were told: what is left is how many they are.
    tell(&SourceDiagnostic::new(report.to_string()));
}

fn tell(error: &dyn Diagnostic) {
    if super::logging::is_json() {
        let mut plain = String::new();
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
        let _ = handler.render_report(&mut plain, error);
        tracing::error!("{plain}");
        return;
    }
    let shown = Shown(error, options().build());
    // Nobody is there to hear that nobody hears.
    let _ = writeln!(std::io::stderr(), "{shown:?}");
}
