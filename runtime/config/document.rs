//! A configuration file as text with places: TOML, or JSON with comments.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::diagnostic::SourceDiagnostic as ConfigError;

/// A file that was read.
pub(crate) struct Document {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Document {
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::new(format!("{} can not be read: {error}", path.display())))?;
        Ok(Self {
            path: path.to_owned(),
            text,
        })
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

    /// Reads the file into `T`. `unknown` hears the path of each field that `T` does not know.
    pub(crate) fn parse<T: DeserializeOwned>(&self, mut unknown: impl FnMut(String)) -> Result<T, ConfigError> {
        let mut track = serde_path_to_error::Track::new();
        let hear = |path: serde_ignored::Path<'_>| unknown(path.to_string());
        let mut hear = hear;
        if self.is_toml() {
            let toml =
                toml::Deserializer::parse(&self.text).map_err(|error| self.error(error.message(), "", error.span()))?;
            let tracked = serde_path_to_error::Deserializer::new(toml, &mut track);
            serde_ignored::deserialize(tracked, &mut hear)
                .map_err(|error| self.error(error.message(), &track.path().to_string(), error.span()))
        } else {
            let mut plain = self.text.clone();
            json_strip_comments::strip(&mut plain).map_err(|error| self.error(&error.to_string(), "", None))?;
            let mut json = serde_json::Deserializer::from_str(&plain);
            let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
            serde_ignored::deserialize(tracked, &mut hear).map_err(|error: serde_json::Error| {
                let place = self.place(error.line(), error.column());
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or(&message);
                self.error(message, &track.path().to_string(), Some(place))
            })
        }
    }

    fn error(&self, message: &str, field: &str, span: Option<Range<usize>>) -> ConfigError {
        let line = span
            .as_ref()
            .map_or(String::new(), |span| format!(":{}", self.line(span.start)));
        let field = if field.is_empty() || field == "." {
            String::new()
        } else {
            format!(", {field}")
        };
        let error = ConfigError::new(format!("{}{line}{field}: {message}", self.path.display()));
        let error = match nearest(message) {
            Some(known) => error.with_help(format!("did you mean `{known}`?")),
            None => error,
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
        let span = if self.is_toml() { self.toml_span(field) } else { None };
        let key = field.rsplit('.').next().unwrap_or(field);
        let by_text = || self.text.find(key).map(|start| start..start + key.len());
        self.error(message, field, span.or_else(by_text))
    }

    /// Where a field is written, or the last part of its path that is: `agents[1].name`.
    fn toml_span(&self, field: &str) -> Option<Range<usize>> {
        let table = toml::de::DeTable::parse(&self.text).ok()?;
        let mut value: &toml::de::DeValue<'_> = &toml::de::DeValue::Table(table.get_ref().clone());
        let mut span = None;
        for step in field.split(['.', '[']) {
            let next = if let Some(index) = step.strip_suffix(']') {
                value.get(index.parse::<usize>().ok()?)
            } else {
                match value.as_table()?.get_key_value(step) {
                    Some((key, value)) => {
                        span = Some(key.span());
                        Some(value)
                    }
                    None => None,
                }
            };
            let Some(next) = next else { break };
            if step.ends_with(']') {
                span = Some(next.span());
            }
            value = next.get_ref();
        }
        span
    }

    fn line(&self, offset: usize) -> usize {
        self.text[..self.text.floor_char_boundary(offset)].matches('\n').count() + 1
    }

    fn place(&self, line: usize, column: usize) -> Range<usize> {
        let start: usize = self
            .text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        // A parser may count to the middle of a character.
        let at = self.text.floor_char_boundary(start + column.saturating_sub(1));
        at..at
    }
}

/// The nearest known name to an unknown one, out of serde's words for it.
fn nearest(message: &str) -> Option<&str> {
    let mut names = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    names
        .map(|known| (strsim::jaro_winkler(unknown, known), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_near_name_is_offered() {
        let message = "unknown field `secretes`, expected one of `main`, `vars`, `secrets`";
        assert_eq!(nearest(message), Some("secrets"));
        assert_eq!(nearest("unknown field `zzz`, expected one of `main`, `vars`"), None);
        assert_eq!(nearest("invalid type"), None);
    }
}
