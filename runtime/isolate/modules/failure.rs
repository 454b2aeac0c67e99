//! Why an `import()` rejects. What only an `import()` reaches fails when that runs, and not when the worker starts.

use deno_error::JsErrorBox;

use crate::isolate::StartupError;

/// The error that an `import()` rejects with. A script reads it, so it names files within the project only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ImportFailure {
    class: &'static str,
    message: String,
}

impl ImportFailure {
    /// A module that names nothing, or nothing that can be imported.
    pub(super) fn unavailable(message: String) -> Self {
        Self {
            class: "TypeError",
            message,
        }
    }

    /// A module whose source is not of its language.
    pub(super) fn syntax(message: String) -> Self {
        Self {
            class: "SyntaxError",
            message,
        }
    }

    pub(super) fn is_syntax(&self) -> bool {
        self.class == "SyntaxError"
    }

    /// The exception.
    pub(in crate::isolate) fn error(&self) -> JsErrorBox {
        JsErrorBox::new(self.class, self.message.clone())
    }
}

/// Why a module was refused, for its owner and for scripts.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) failure: ImportFailure,
    /// What the owner reads, where that may name what is outside of the project.
    for_owner: Option<String>,
}

impl Refusal {
    pub(super) fn for_owner(self) -> String {
        self.for_owner.unwrap_or(self.failure.message)
    }

    /// The same, told to scripts with the import that met it.
    pub(super) fn imported_at(self, place: &str) -> ImportFailure {
        let ImportFailure { class, message } = self.failure;
        ImportFailure {
            class,
            message: format!("{message} (imported at {place})"),
        }
    }

    #[must_use]
    pub(super) fn with_owners(mut self, message: String) -> Self {
        self.for_owner = Some(message);
        self
    }

    pub(super) fn syntax(message: String) -> Self {
        Self {
            failure: ImportFailure::syntax(message),
            for_owner: None,
        }
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self {
            failure: ImportFailure::unavailable(message),
            for_owner: None,
        }
    }
}

/// What is wrong with one module's source.
#[derive(Debug)]
pub(super) enum Rejected {
    /// It is not of its language.
    Syntax(StartupError),
    /// It is of a kind that is not loaded.
    Kind(StartupError),
}

impl Rejected {
    pub(super) fn into_startup(self) -> StartupError {
        match self {
            Self::Syntax(error) | Self::Kind(error) => error,
        }
    }

    pub(super) fn into_failure(self) -> ImportFailure {
        match self {
            Self::Syntax(error) => ImportFailure::syntax(error.sentence()),
            Self::Kind(error) => ImportFailure::unavailable(error.sentence()),
        }
    }
}
