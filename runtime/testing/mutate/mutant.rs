//! One change of a policy's text.

use std::ops::Range;

use serde::Serialize;

/// A change, and where.
#[derive(Debug, Clone)]
pub(super) struct Mutant {
    /// The file's number among the policy's.
    pub(super) file: usize,
    /// Which bytes of its text are replaced.
    pub(super) span: Range<usize>,
    /// What by.
    pub(super) replacement: String,
    /// What is changed.
    pub(super) operator: &'static str,
    /// What of it, as people read it.
    pub(super) description: String,
}

impl Mutant {
    /// The changed text.
    pub(super) fn apply(&self, text: &str) -> String {
        format!(
            "{}{}{}",
            &text[..self.span.start],
            self.replacement,
            &text[self.span.end..]
        )
    }

    /// The changed lines, before and after, each without its end.
    pub(super) fn lines(&self, text: &str) -> (String, String) {
        let start = text[..self.span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[self.span.end..]
            .find('\n')
            .map_or(text.len(), |newline| self.span.end + newline);
        let before = text[start..end].to_owned();
        let after = format!(
            "{}{}{}",
            &text[start..self.span.start],
            self.replacement,
            &text[self.span.end..end]
        );
        (before, after)
    }
}

/// What became of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// A test or an attack tells it from the policy.
    Killed,
    /// It took longer than a test may, which tells it too.
    Timeout,
    /// Nothing tells it from the policy.
    Survived,
    /// It is no policy.
    Invalid,
    /// Its author says that it makes no difference.
    Ignored,
}

/// What became of a mutant, and who told.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) mutant: Mutant,
    pub(super) status: Status,
    /// The test or the attack that told it, or why it was left out.
    pub(super) by: String,
}
