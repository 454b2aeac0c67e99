//! What is wrong with a configuration: all of it, told at once.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::diagnostic::SourceDiagnostic as ConfigError;

/// Errors of one configuration, while the rest of it is read.
#[derive(Default)]
pub(crate) struct Problems {
    found: RefCell<Vec<ConfigError>>,
    /// The subjects of what could not be read, and is as if it were not written.
    unread: RefCell<BTreeSet<String>>,
}

impl Problems {
    /// Takes an error, unless it follows from what was told already.
    pub(crate) fn add(&self, error: ConfigError) {
        let follows = error.subject().is_some_and(|subject| self.is_unread(subject));
        if !follows {
            self.found.borrow_mut().push(error);
        }
    }

    /// The value, or nothing and its error is taken.
    pub(crate) fn value<T>(&self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Says that what is written there could not be read, and was told.
    pub(crate) fn unread(&self, subject: String) {
        self.unread.borrow_mut().insert(subject);
    }

    /// Whether the subject, or what it is a part of, could not be read.
    pub(crate) fn is_unread(&self, subject: &str) -> bool {
        let is_within = |whole: &String| {
            subject
                .strip_prefix(whole.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.unread.borrow().iter().any(is_within)
    }

    /// Everything that was wrong, as one error.
    pub(crate) fn end(&self) -> Result<(), ConfigError> {
        let found = std::mem::take(&mut *self.found.borrow_mut());
        ConfigError::all("the configuration", found)
    }
}

#[cfg(test)]
mod tests {
    use super::Problems;
    use crate::diagnostic::SourceDiagnostic;

    #[test]
    fn what_follows_from_an_error_is_not_told_again() {
        let problems = Problems::default();
        problems.unread("a.toml#outbound.main".to_owned());
        let about = |subject: &str| SourceDiagnostic::new(subject).about(subject.to_owned());
        problems.add(about("a.toml#outbound.main"));
        problems.add(about("a.toml#outbound.main[1].x"));
        assert!(problems.end().is_ok());
        problems.add(about("a.toml#outbound.mains"));
        assert_eq!(problems.end().unwrap_err().to_string(), "a.toml#outbound.mains");
        for index in 0..25 {
            problems.add(SourceDiagnostic::new(format!("no {index}")));
        }
        let error = problems.end().unwrap_err();
        assert!(error.to_string().contains("25 errors"), "{error}");
        assert!(error.sentence().contains("no 19") && !error.sentence().contains("no 20"));
        assert!(problems.end().is_ok());
    }
}
