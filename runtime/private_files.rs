//! Files that hold keys, secrets or settings, by their names: no worker reads them, and nobody is served them.

use std::path::Path;

/// Keys and secrets are in such files.
const SECRET: [&str; 10] = [
    "env", "jks", "kdbx", "key", "keystore", "p12", "p8", "pem", "pfx", "vars",
];

/// Configurations name what others are given.
const CONFIGURATIONS: [&str; 4] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml", "workerd-lite.toml"];

fn lower(part: Option<&std::ffi::OsStr>) -> String {
    part.map(|part| part.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

/// Whether a file may hold keys or secrets.
pub(crate) fn is_secret(path: &Path) -> bool {
    SECRET.contains(&&*lower(path.extension()))
}

/// Whether a file is a configuration.
pub(crate) fn is_configuration(path: &Path) -> bool {
    CONFIGURATIONS.contains(&&*lower(path.file_name()))
}

/// Whether a path is a file, within it, or what is left of it by who rotates or edits it: `audit.ndjson.1`, `key.pem~`.
pub(crate) fn is_of(path: &Path, file: &Path) -> bool {
    if path.starts_with(file) {
        return true;
    }
    let (Some(name), Some(own)) = (path.file_name(), file.file_name()) else {
        return false;
    };
    if path.parent() != file.parent() || file.is_dir() {
        return false;
    }
    let rest = name.as_encoded_bytes().strip_prefix(own.as_encoded_bytes());
    rest.is_some_and(|rest| matches!(rest.first(), Some(b'.' | b'-' | b'~' | b'_')))
}
