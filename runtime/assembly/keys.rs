//! Private keys as a configuration names them: a file, which another process may read, or a key on a token.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::config::secrets::Secrets;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::keys::KeySource;
use crate::keys::pkcs11::{Pin, SCHEME, TokenKey, Uri};
use crate::keys::process::{KeyFile, KeyProcess};

/// What a table says of a key beside its name.
#[derive(Clone, Copy)]
pub(super) struct Reached<'a> {
    pub(super) module: Option<&'a String>,
    pub(super) pin: Option<&'a String>,
}

/// Finds keys. One on a token is opened once, however many tables name it.
pub(super) struct Keys<'a> {
    files: &'a Files,
    project: &'a ProjectFile,
    secrets: &'a Secrets,
    open: Mutex<HashMap<(String, String), Arc<TokenKey>>>,
    /// What holds the keys of files, where this process does not.
    process: Option<Arc<KeyProcess>>,
}

impl<'a> Keys<'a> {
    /// Starts the process that holds keys, where `[keys]` wants it. Fails where it does not start.
    pub(super) fn new(files: &'a Files, project: &'a ProjectFile, secrets: &'a Secrets) -> Result<Self, ConfigError> {
        let process = project
            .keys
            .process
            .then(|| KeyProcess::start(&project.isolation.allow_missing));
        let process = process.transpose().map_err(|why| {
            let message = format!("the process that holds keys does not start: {why}");
            files
                .complain("keys.process", &message)
                .with_help("Take the line out where this server may read its keys itself")
        })?;
        Ok(Self {
            files,
            project,
            secrets,
            open: Mutex::default(),
            process,
        })
    }

    /// What holds the keys of files, where this process does not.
    pub(super) fn process(&self) -> Option<&Arc<KeyProcess>> {
        self.process.as_ref()
    }

    /// The key of this name. `table` is what names it, such as `identity`, and `field` where in it.
    pub(super) fn source(
        &self,
        table: &str,
        field: &str,
        key: &Path,
        reached: Reached<'_>,
    ) -> Result<KeySource, ConfigError> {
        if let Some(uri) = key.to_str().filter(|name| name.starts_with(SCHEME)) {
            return self.token(table, field, uri, reached).map(KeySource::Token);
        }
        let path = self.files.folder.join(key);
        Ok(match &self.process {
            Some(process) => KeySource::Held(KeyFile::new(process, path)),
            None => KeySource::File(path),
        })
    }

    /// A key on a token.
    pub(super) fn token(
        &self,
        table: &str,
        field: &str,
        uri: &str,
        reached: Reached<'_>,
    ) -> Result<Arc<TokenKey>, ConfigError> {
        let complain = |field: &str, why: &str| self.files.complain(&format!("{table}.{field}"), why);
        let uri = Uri::parse(uri).map_err(|why| complain(field, &format!("the URI can not be used: {why}")))?;
        let shared = &self.project.keys;
        let module = reached.module.or(uri.module.as_ref()).or(shared.module.as_ref());
        let module = module.ok_or_else(|| {
            complain(field, "no module is named that reaches the token")
                .with_help("Set module = \"libsofthsm2.so\", or what your token's maker ships, here or under [keys]")
        })?;
        // A path is beside the configuration; a name is looked for.
        let module = if module.contains('/') {
            self.files.folder.join(module).display().to_string()
        } else {
            module.clone()
        };
        let named = reached.pin.or(shared.pin.as_ref().filter(|_| uri.pin_source.is_none()));
        let pin = match (named, &uri.pin_source) {
            (Some(name), _) => match self.secrets.real(name) {
                Some(value) => Pin::Secret(value.into()),
                None => {
                    return Err(complain(
                        if reached.pin.is_some() { "pin" } else { field },
                        &format!("the secret {name:?}, which is to hold the PIN, is absent or empty"),
                    ));
                }
            },
            (None, Some(path)) => Pin::File(self.files.folder.join(path)),
            (None, None) => Pin::None,
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = (uri.to_string(), module.clone());
        if let Some(key) = open.get(&known) {
            return Ok(Arc::clone(key));
        }
        let key = TokenKey::open(uri, &module, pin).map_err(|why| complain(field, &why))?;
        open.insert(known, Arc::clone(&key));
        Ok(key)
    }
}
