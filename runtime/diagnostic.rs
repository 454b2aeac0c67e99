//! Diagnostics: what is wrong with a script or a configuration, where, and what to do, as its author reads it.

use miette::{Diagnostic, LabeledSpan, SourceCode};

use crate::excerpt::Excerpt;
pub use crate::excerpt::position;

/// No more errors are told at once: what is wrong in one place may show in many.
const MOST: usize = 20;

/// An error that its reader can mend.
#[derive(Debug)]
pub struct SourceDiagnostic {
    message: String,
    source: Option<Excerpt>,
    label: Option<LabeledSpan>,
    help: Option<String>,
    /// What of a configuration it is about.
    subject: Option<String>,
    /// The errors that it is made of.
    parts: Vec<Self>,
}

impl SourceDiagnostic {
    /// An error about no place in particular.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
            label: None,
            help: None,
            subject: None,
            parts: Vec::new(),
        }
    }

    /// Fails with all errors of something, as one, where there are any.
    pub(crate) fn all(of: &str, mut parts: Vec<Self>) -> Result<(), Self> {
        let count = parts.len();
        parts.truncate(MOST);
        match count {
            0 => return Ok(()),
            1 => return Err(parts.remove(0)),
            _ => {}
        }
        let message = if count > MOST {
            format!("{of} has {count} errors: these are the first {MOST}")
        } else {
            format!("{of} has {count} errors")
        };
        Err(Self {
            parts,
            ..Self::new(message)
        })
    }

    /// What of a configuration it is about: a file and a field.
    #[must_use]
    pub(crate) fn about(mut self, subject: String) -> Self {
        self.subject = Some(subject);
        self
    }

    pub(crate) fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// What to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message with its place, for whoever sees no code frame.
    pub fn sentence(&self) -> String {
        match &self.source {
            Some(source) => {
                let (line, column) = source.position();
                format!("{} ({}:{line}:{column})", self.message, source.name())
            }
            _ if self.parts.is_empty() => self.message.clone(),
            _ => {
                let parts: Vec<String> = self.parts.iter().map(Self::sentence).collect();
                format!("{}: {}", self.message, parts.join("; "))
            }
        }
    }

    /// The same, for another process.
    pub(crate) fn ship(&self) -> Shipped {
        let place = self.source.as_ref().map(|source| {
            let label = self.label.as_ref().and_then(|label| label.label());
            let label = label.map(ToOwned::to_owned);
            (source.name().to_owned(), source.text().to_owned(), source.span(), label)
        });
        Shipped {
            message: self.message.clone(),
            place,
            help: self.help.clone(),
        }
    }

    /// Where it is: a file's name, its text, and the bytes in question.
    #[must_use]
    pub fn at(mut self, file: &str, source: &str, span: std::ops::Range<usize>, label: Option<String>) -> Self {
        let source = Excerpt::new(file, source, span);
        let span = source.span();
        self.label = Some(LabeledSpan::new(label, span.start, span.len()));
        self.source = Some(source);
        self
    }
}

/// A diagnostic on its way between processes.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Shipped {
    message: String,
    /// A file's name, what is shown of its text, the place, and what is said of that.
    place: Option<(String, String, std::ops::Range<usize>, Option<String>)>,
    help: Option<String>,
}

impl Shipped {
    /// The diagnostic. What is shown is cut anew.
    pub(crate) fn open(self) -> SourceDiagnostic {
        let mut opened = SourceDiagnostic::new(self.message);
        opened.help = self.help;
        match self.place {
            Some((file, text, span, label)) => opened.at(&file, &text, span, label),
            None => opened,
        }
    }
}

/// A diagnostic with its code frame, as text without colours.
pub(crate) fn plain_report(report: &miette::Report) -> String {
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut text = String::new();
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => text.trim_matches('\n').to_owned(),
        Err(_) => report.to_string(),
    }
}

impl std::fmt::Display for SourceDiagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SourceDiagnostic {}

impl Diagnostic for SourceDiagnostic {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        (!self.parts.is_empty()).then(|| {
            let parts = self.parts.iter().map(|part| part as &dyn Diagnostic);
            Box::new(parts) as Box<dyn Iterator<Item = &dyn Diagnostic>>
        })
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.label
            .clone()
            .map(|label| Box::new(std::iter::once(label)) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}
