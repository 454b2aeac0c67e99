//! Secrets by name: from `.dev.vars` beside the configuration, or from the process's environment.

use std::collections::HashMap;
use std::path::Path;

use crate::diagnostic::SourceDiagnostic as ConfigError;

/// Where secrets are looked up.
#[derive(Clone)]
pub(crate) struct Secrets {
    dev_vars: HashMap<String, String>,
    testing: bool,
}

impl Secrets {
    /// Reads `.dev.vars` in this folder, if there is one.
    pub(crate) fn read(folder: &Path, testing: bool) -> Result<Self, ConfigError> {
        let path = folder.join(".dev.vars");
        if !path.exists() {
            return Ok(Self {
                dev_vars: HashMap::new(),
                testing,
            });
        }
        // The error of the parser would quote the line, and with it the secret.
        let wrong = |_| {
            ConfigError::new(format!(
                "{} is not valid: expected lines of the form NAME=value, with values that hold spaces in quotes",
                path.display()
            ))
        };
        let dev_vars = dotenvy::from_path_iter(&path)
            .map_err(wrong)?
            .collect::<Result<_, _>>()
            .map_err(wrong)?;
        Ok(Self { dev_vars, testing })
    }

    /// The value of a secret. `.dev.vars` wins, as in wrangler.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.dev_vars
            .get(name)
            .cloned()
            .or_else(|| std::env::var(name).ok())
            .filter(|value| !value.is_empty())
            .or_else(|| self.testing.then(|| format!("test-{name}")))
    }
}
