//! What opens a token.

use std::path::PathBuf;
use std::sync::Arc;

/// Where a token's PIN comes from. It shows itself to nobody.
#[derive(Clone)]
pub enum Pin {
    /// A secret's value.
    Secret(Arc<str>),
    /// The file that `pin-source` names, which is read whenever the token is opened.
    File(PathBuf),
    /// There is none.
    None,
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin")
    }
}

impl Pin {
    /// The PIN now.
    pub(super) fn read(&self) -> Result<Option<String>, String> {
        match self {
            Self::Secret(value) => Ok(Some(value.to_string())),
            Self::File(path) => {
                crate::keys::permissions::check(path)?;
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("{}, which is to hold the PIN: {error}", path.display()))?;
                Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            Self::None => Ok(None),
        }
    }
}
