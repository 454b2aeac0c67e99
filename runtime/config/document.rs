//! A configuration file as text with places: TOML, or JSON with comments.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::nearest::nearest;
use super::partial;
use super::places::Places;
use super::problems::Problems;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::{files_read, text_file};

/// How much of what is passed over in a file of an agent's is told.
const TOLD: usize = 20;

/// A file that was read.
pub(crate) struct Document {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// Whether an agent may have written it.
    pub(crate) is_agents: bool,
    places: OnceCell<Places>,
    /// Where each line ends, in bytes.
    line_ends: OnceCell<Vec<usize>>,
    /// How much was told of it.
    told: Cell<usize>,
}

impl Clone for Document {
    fn clone(&self) -> Self {
        Self {
            is_agents: self.is_agents,
            ..Self::of(&self.path, self.text.clone())
        }
    }
}

/// serde's words for a table in the place of a list.
const TABLE_FOR_LIST: &str = "invalid type: map, expected a sequence";

impl Document {
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::read_by(text_file::read, path)
    }

    /// One that an agent may have written.
    pub(crate) fn read_agents(path: &Path) -> Result<Self, ConfigError> {
        Ok(Self {
            is_agents: true,
            ..Self::read_by(text_file::read_agents_settings, path)?
        })
    }

    fn of(path: &Path, text: String) -> Self {
        Self {
            path: path.to_owned(),
            text,
            is_agents: false,
            places: OnceCell::new(),
            line_ends: OnceCell::new(),
            told: Cell::new(0),
        }
    }

    /// Says what of it is passed over. Whoever writes many fields into an agent's file fills no log.
    pub(crate) fn warn(&self, what: fmt::Arguments<'_>) {
        let told = self.told.replace(self.told.get() + 1);
        if !self.is_agents || told < TOLD {
            tracing::warn!("{what}");
        } else if told == TOLD {
            tracing::warn!("{}: there is more that is passed over", self.path.display());
        }
    }

    fn read_by(read: fn(&Path) -> std::io::Result<String>, path: &Path) -> Result<Self, ConfigError> {
        files_read::note(path);
        let text =
            read(path).map_err(|error| ConfigError::new(format!("{} can not be read: {error}", path.display())))?;
        Ok(Self::of(path, text))
    }

    /// The folder that the file's paths are relative to.
    pub(crate) fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        }
    }

    fn is_toml(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "toml")
    }

    /// Reads a TOML file into `T`, as far as it can be. What cannot is told, and is as if it were not written.
    pub(crate) fn parse<T: DeserializeOwned>(&self, problems: &Problems) -> Option<T> {
        let (value, unread) = partial::read(&self.text);
        for each in unread {
            if !each.follows {
                // Not about its field: that what is not written follows from it is no reason to keep it back.
                problems.add(self.error(&each.message, &each.path, each.span));
            }
            if let Some(path) = each.without {
                problems.unread(self.subject(&path));
            }
        }
        value
    }

    /// A field of this file, for [`SourceDiagnostic::about`](ConfigError::about).
    pub(crate) fn subject(&self, field: &str) -> String {
        format!("{}#{field}", self.path.display())
    }

    /// Reads the file, of either kind, as JSON's data.
    pub(super) fn value(&self) -> Result<Value, ConfigError> {
        if self.is_toml() {
            let toml = toml::Deserializer::parse(&self.text);
            return toml
                .and_then(Value::deserialize)
                .map_err(|error| self.error(error.message(), "", error.span()));
        }
        let (value, places) = Places::of_json(&self.text).map_err(|error| {
            let range = error.range();
            self.error(&error.kind().to_string(), "", Some(range.start..range.end))
        })?;
        let _ = self.places.set(places);
        Ok(value)
    }

    fn places(&self) -> &Places {
        self.places.get_or_init(|| {
            if self.is_toml() {
                Places::of_toml(&self.text)
            } else {
                Places::of_json(&self.text)
                    .map(|(_, places)| places)
                    .unwrap_or_default()
            }
        })
    }

    fn error(&self, message: &str, field: &str, span: Option<Range<usize>>) -> ConfigError {
        let field = if field.is_empty() || field == "." {
            String::new()
        } else {
            format!(", {field}")
        };
        let place = self.location_of(span.as_ref());
        let error = match nearest_of(message) {
            Some(known) => {
                ConfigError::new(format!("{place}{field}: {message}")).with_help(format!("did you mean `{known}`?"))
            }
            None if message == TABLE_FOR_LIST => {
                let name = field.trim_start_matches(", ");
                ConfigError::new(format!(
                    "{place}{field}: expected a list of tables, and this is one table"
                ))
                .with_help(format!("Write [[{name}]] for each of them"))
            }
            None => ConfigError::new(format!("{place}{field}: {message}")),
        };
        match span {
            Some(span) => error.at(
                &self.path.display().to_string(),
                &self.text,
                span,
                Some("here".to_owned()),
            ),
            None => error,
        }
    }

    /// An error about the value of a field, found after the file was read.
    pub(crate) fn complain(&self, field: &str, message: &str) -> ConfigError {
        self.error(message, field, self.places().find(field))
            .about(self.subject(field))
    }

    /// The file's path and the line of a field, as `wrangler.jsonc:3`.
    pub(crate) fn location(&self, field: &str) -> String {
        self.location_of(self.places().find(field).as_ref())
    }

    fn location_of(&self, span: Option<&Range<usize>>) -> String {
        let path = self.path.display();
        match span {
            Some(span) => {
                let ends = self
                    .line_ends
                    .get_or_init(|| self.text.match_indices('\n').map(|(at, _)| at).collect());
                let line = ends.partition_point(|end| *end < span.start) + 1;
                format!("{path}:{line}")
            }
            None => path.to_string(),
        }
    }
}

/// The values of a configuration file, of either kind; nothing where it cannot be read.
pub(crate) fn read_values(path: &Path) -> Option<Value> {
    let document = Document::of(path, text_file::read(path).ok()?);
    document.value().ok()
}

/// The nearest known name to an unknown one, out of serde's words for it.
fn nearest_of(message: &str) -> Option<&str> {
    let rest = message
        .strip_prefix("unknown field ")
        .or_else(|| message.strip_prefix("unknown variant "))?;
    let mut names = rest.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    nearest(unknown, names)
}

#[cfg(test)]
mod tests {
    use super::nearest_of;

    #[test]
    fn a_near_name_is_offered() {
        let message = "unknown field `secretes`, expected one of `main`, `vars`, `secrets`";
        assert_eq!(nearest_of(message), Some("secrets"));
        assert_eq!(nearest_of("unknown field `zzz`, expected one of `main`, `vars`"), None);
        assert_eq!(
            nearest_of("unknown variant `bearerr`, expected one of `bearer`, `basic`"),
            Some("bearer")
        );
        assert_eq!(nearest_of("invalid type"), None);
    }
}
