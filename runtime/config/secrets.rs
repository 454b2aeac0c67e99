//! Secrets by name: from `.dev.vars` beside the configuration, from the file that the command line names, or from the process's environment.

use std::collections::{BTreeSet, HashMap};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::flags::{Flags, SeenSecrets};
use super::{dotenv, nearest};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::{files_read, text_file};

/// Where secrets are looked up.
#[derive(Clone)]
pub(crate) struct Secrets {
    dev_vars: HashMap<String, String>,
    /// What the file has that the command line names.
    env_file: HashMap<String, String>,
    files: Vec<PathBuf>,
    /// Why a file that is there is not read.
    unreadable: Option<String>,
    testing: bool,
    live: bool,
    seen: SeenSecrets,
    /// Names that were asked for.
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Secrets {
    /// Those of the environment alone.
    pub(crate) fn none(flags: &Flags) -> Self {
        Self {
            dev_vars: HashMap::new(),
            env_file: HashMap::new(),
            files: Vec::new(),
            unreadable: None,
            testing: flags.testing,
            live: flags.live,
            seen: flags.secrets.clone(),
            asked: Arc::default(),
        }
    }

    fn note(&self, name: &str) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(name.to_owned());
    }

    /// The names of the file that was read which nobody has asked for, if there are any.
    pub(crate) fn unread(&self) -> Option<(&Path, Vec<String>)> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = self
            .dev_vars
            .keys()
            .filter(|name| !asked.contains(*name))
            .cloned()
            .collect();
        names.sort_unstable();
        let path = self.files.iter().find(|path| path.exists())?;
        (!names.is_empty()).then_some((path.as_path(), names))
    }

    /// Reads `.dev.vars` in this folder, if there is one. `.dev.vars.NAME` goes before it under `--env NAME`, and they are
    /// not merged, as in wrangler.
    pub(crate) fn read(folder: &Path, flags: &Flags) -> Result<Self, ConfigError> {
        let own = flags.env.iter().filter(|name| !name.is_empty());
        let own = own.map(|name| folder.join(format!(".dev.vars.{name}")));
        let files: Vec<PathBuf> = own.chain([folder.join(".dev.vars")]).collect();
        for path in &files {
            files_read::note(path);
        }
        let mut secrets = Self::none(flags);
        if let Some(path) = &flags.env_file {
            files_read::note(path);
            let text = text_file::read(path).map_err(|error| {
                ConfigError::new(format!("--env-file: {} can not be read: {error}", path.display()))
            })?;
            secrets.env_file = parsed(path, &text)?;
        }
        if let Some(path) = files.iter().find(|path| path.exists()) {
            match text_file::read(path) {
                Ok(text) => secrets.dev_vars = parsed(path, &text)?,
                // Whoever serves may be another than who develops, and have them in the environment.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    secrets.unreadable = Some(format!("{} can not be read: {error}", path.display()));
                }
                Err(error) => {
                    return Err(ConfigError::new(format!("{} can not be read: {error}", path.display())));
                }
            }
        }
        secrets.files = files;
        Ok(secrets)
    }

    /// Why a file of secrets that is there was not read, where it was not.
    pub(crate) fn unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// Whether `--env NAME` has a file of secrets of its own.
    pub(crate) fn has_own(&self) -> bool {
        self.files.len() > 1 && self.files[0].exists()
    }

    /// What is wrong where a secret is not there, and what to do about it. Nothing where the name reads as a value: that is to be in no log,
    /// and so is the line that it stands in.
    pub(crate) fn absent(&self, name: &str) -> Option<(String, String)> {
        if reads_as_value(name) {
            return None;
        }
        let file = self
            .files
            .last()
            .map_or_else(|| ".dev.vars".to_owned(), |file| file.display().to_string());
        let mut help = format!(
            "Set {name} in the environment, or as a line {name}=value of {file}, or of a file that --env-file names"
        );
        if let Some(why) = &self.unreadable {
            help = format!("{why}. {help}");
        }
        let known = self.dev_vars.keys().chain(self.env_file.keys());
        if let Some(near) = nearest(name, known.map(String::as_str)) {
            help = format!("There is {near}. {help}");
        }
        Some((format!("the secret {name:?} is absent or empty"), help))
    }

    /// The files that were looked for. The first that existed was read.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The value of a secret, for tests as well: what it opens must not be tried with another.
    pub(crate) fn real(&self, name: &str) -> Option<String> {
        self.note(name);
        self.written(name)
    }

    fn written(&self, name: &str) -> Option<String> {
        let in_files = self.dev_vars.get(name).or_else(|| self.env_file.get(name)).cloned();
        let real = in_files.or_else(|| std::env::var(name).ok());
        real.filter(|value| !value.is_empty())
    }

    /// The value of a secret. `.dev.vars` wins, as in wrangler. Tests have `test-<NAME>`, unless they are to have the real ones.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.note(name);
        let pretended = self.testing.then(|| format!("test-{name}"));
        if self.testing && !self.live {
            return pretended;
        }
        let real = self.written(name);
        if let Some(value) = &real {
            self.seen.add(value);
        }
        real.or(pretended)
    }
}

/// The secrets of a file.
fn parsed(path: &Path, text: &str) -> Result<HashMap<String, String>, ConfigError> {
    // No code frame: the line may hold a secret.
    dotenv::parse(text).map_err(|dotenv::Unreadable(line)| {
        ConfigError::new(format!(
            "{}:{line}: expected a line of the form NAME=value, or a comment",
            path.display()
        ))
        .with_help("A value of several lines stands in quotes. The line is not shown, because it may hold a secret")
    })
}

/// Names of variables are short, and words. What is neither is a secret in the place of its name.
const LONGEST: usize = 20;

fn reads_as_value(name: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let has = |kind: fn(&u8) -> bool| name.as_bytes().iter().any(kind);
    let is_random = name.len() >= LONGEST && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    name.is_empty() || begins || !name.bytes().all(is_name) || is_random
}

/// What is said where a secret stands in the place of its name. Its line is not shown.
pub(crate) fn value_as_name(place: &str, field: &str) -> ConfigError {
    ConfigError::new(format!(
        "{place}, {field}: what stands there is no name of a secret, and no such secret is there. It is not shown, as it may be the secret itself"
    ))
    .with_help("Write the *name* of a secret, such as PARTNER_TOKEN, and put its value into the environment or into a .dev.vars file. One that was in a file of the repository is to be renewed")
}

#[cfg(test)]
mod tests {
    use super::reads_as_value;

    #[test]
    fn values_are_told_from_names() {
        for name in [
            "PARTNER_TOKEN",
            "partner_token",
            "T2",
            "_X",
            "OAUTH2_CLIENT_SECRET_FOR_PARTNERS",
        ] {
            assert!(!reads_as_value(name), "{name}");
        }
        for value in [
            "sk-live-1234567890abcdef",
            "partner-token",
            "ghp_16C7e42F292c6912E7710c838347",
            "1Ab",
            "a b",
            "",
        ] {
            assert!(reads_as_value(value), "{value}");
        }
    }
}
