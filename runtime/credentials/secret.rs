//! A secret's value, which may be replaced while the server runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use crate::keys;

/// A secret. It shows itself to nobody who only prints it.
#[derive(Clone)]
pub struct Secret {
    name: String,
    file: Option<PathBuf>,
    sender: Arc<watch::Sender<Arc<str>>>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Secret {
    /// A value that stays.
    pub fn fixed(name: impl Into<String>, value: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            file: None,
            sender: Arc::new(watch::Sender::new(value.into())),
        }
    }

    /// A value that is a file's text, without white space at its ends. Fails where the file is unreadable or empty.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        Ok(Self {
            name: path.display().to_string(),
            file: Some(path.to_owned()),
            sender: Arc::new(watch::Sender::new(read(path)?)),
        })
    }

    /// The value now.
    pub(crate) fn value(&self) -> Arc<str> {
        Arc::clone(&self.sender.borrow())
    }

    /// The file it comes from.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Reads its file again. A file that is broken leaves the old value.
    pub(crate) fn reload(&self) -> Result<(), String> {
        if let Some(path) = &self.file {
            let value = read(path)?;
            self.sender.send_if_modified(|old| {
                let changed = *old != value;
                *old = value;
                changed
            });
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Arc<str>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{} can not be read: {error}", path.display()))?;
    let text = keys::text::of(&bytes);
    // A key store or a certificate in DER, perhaps. What is lossy is no secret that anybody meant.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(keys::no_text(&bytes, path).to_string());
    }
    let value = text.trim();
    if value.is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(value.into())
}
