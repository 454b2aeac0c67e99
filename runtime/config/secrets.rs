//! Secrets by name: from `.dev.vars` beside the configuration, or from the process's environment.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::dotenv;
use super::flags::{Flags, SeenSecrets};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::{files_read, text_file};

/// Where secrets are looked up.
#[derive(Clone)]
pub(crate) struct Secrets {
    dev_vars: HashMap<String, String>,
    files: Vec<PathBuf>,
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
            files: Vec::new(),
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
        let none = Self::none(flags);
        let Some(path) = files.iter().find(|path| path.exists()) else {
            return Ok(Self { files, ..none });
        };
        let text = text_file::read(path)
            .map_err(|error| ConfigError::new(format!("{} can not be read: {error}", path.display())))?;
        // No code frame: the line may hold a secret.
        let dev_vars = dotenv::parse(&text).map_err(|dotenv::Unreadable(line)| {
            ConfigError::new(format!(
                "{}:{line}: expected a line of the form NAME=value, or a comment",
                path.display()
            ))
            .with_help("A value of several lines stands in quotes. The line is not shown, because it may hold a secret")
        })?;
        Ok(Self {
            dev_vars,
            files,
            ..none
        })
    }

    /// The files that were looked for. The first that existed was read.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The value of a secret, for tests as well: what it opens must not be tried with another.
    pub(crate) fn real(&self, name: &str) -> Option<String> {
        self.note(name);
        let real = self.dev_vars.get(name).cloned().or_else(|| std::env::var(name).ok());
        real.filter(|value| !value.is_empty())
    }

    /// The value of a secret. `.dev.vars` wins, as in wrangler. Tests have `test-<NAME>`, unless they are to have the real ones.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.note(name);
        let pretended = self.testing.then(|| format!("test-{name}"));
        if self.testing && !self.live {
            return pretended;
        }
        let real = self.dev_vars.get(name).cloned().or_else(|| std::env::var(name).ok());
        let real = real.filter(|value| !value.is_empty());
        if let Some(value) = &real {
            self.seen.add(value);
        }
        real.or(pretended)
    }
}
