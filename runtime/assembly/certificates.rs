//! The identities that a configuration names, for whoever looks after them: expired and broken ones too.

use std::path::{Path, PathBuf};

use crate::config::Flags;
use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::config::secrets::Secrets;
use crate::config::tables::Issue;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::egress::tls::Identity;
use crate::keys::pkcs11::SCHEME;
use crate::keys::{Dates, KeyKind, read_certificates};

use super::keys::{Keys, Reached};

/// One identity or issuing certificate.
#[derive(Debug)]
pub struct Listed {
    /// Its name in the configuration.
    pub name: String,
    /// Where it is.
    pub file: Option<PathBuf>,
    /// What it says; why it cannot be used; or nothing, where it is issued when it is needed.
    pub dates: Option<Result<Dates, String>>,
    /// Of a key on a token that has no certificate here, what it is; why it cannot be used.
    pub key: Option<Result<KeyKind, String>>,
}

/// Every identity of the configuration. Fails where the file itself cannot be read.
pub fn list_certificates(flags: &Flags) -> Result<Vec<Listed>, ConfigError> {
    let files = Files::find(flags)?;
    let Some(document) = &files.project else {
        return Err(ConfigError::new("there is no workerd-lite.toml here")
            .with_help("Name it: workerd-lite certs --config path/to/workerd-lite.toml"));
    };
    let project = document.parse::<ProjectFile>(&files.problems).unwrap_or_default();
    files.problems.end()?;
    let secrets = Secrets::read(&files.folder, flags)?;
    let keys = Keys::new(&files, &project, &secrets)?;
    let join = |path: &PathBuf| files.folder.join(path);
    let mut listed = Vec::new();
    for (id, section) in &project.certificates {
        let name = format!("certificates.{id}");
        listed.push(match (section.issue, &section.cert, &section.key) {
            (Some(Issue::Agent), _, _) => Listed {
                name,
                file: None,
                dates: None,
                key: None,
            },
            (None, Some(cert), Some(key)) => {
                let cert = join(cert);
                let roots: Vec<_> = section.ca.iter().map(join).collect();
                let reached = Reached {
                    module: section.module.as_ref(),
                    pin: section.pin.as_ref(),
                };
                let dates = keys
                    .source(&name, "key", key, reached)
                    .map_err(|error| error.sentence())
                    .and_then(|key| Identity::load(id, &cert, &key, &roots).map_err(|error| error.to_string()))
                    .map(|identity| identity.dates().clone());
                Listed {
                    name,
                    file: Some(cert),
                    dates: Some(dates),
                    key: None,
                }
            }
            _ => {
                return Err(files.complain(&name, "expected `cert` and `key`, or `issue = \"agent\"`"));
            }
        });
    }
    if let Some(section) = &project.tls {
        let cert = join(&section.cert);
        listed.push(Listed {
            name: "tls".to_owned(),
            dates: Some(first(&cert)),
            file: Some(cert),
            key: None,
        });
        let reached = Reached {
            module: section.module.as_ref(),
            pin: section.pin.as_ref(),
        };
        listed.extend(on_token(&keys, "tls", "key", section.key.to_str(), reached));
    }
    if let Some(cert) = project
        .identity
        .as_ref()
        .and_then(|identity| identity.issuing_certificate.as_ref())
    {
        let cert = join(cert);
        listed.push(Listed {
            name: "identity.issuing_certificate".to_owned(),
            dates: Some(first(&cert)),
            file: Some(cert),
            key: None,
        });
    }
    if let Some(section) = &project.identity {
        let reached = Reached {
            module: section.module.as_ref(),
            pin: section.pin.as_ref(),
        };
        for (field, key) in [("key", &section.key), ("issuing_key", &section.issuing_key)] {
            let uri = key.as_ref().and_then(|key| key.to_str());
            listed.extend(on_token(&keys, "identity", field, uri, reached));
        }
    }
    for (name, section) in &project.credentials {
        let reached = Reached {
            module: section.module.as_ref(),
            pin: section.pin.as_ref(),
        };
        let table = format!("credentials.{name}");
        listed.extend(on_token(&keys, &table, "key", section.key.as_deref(), reached));
    }
    Ok(listed)
}

/// A key, where it is on a token.
fn on_token(keys: &Keys<'_>, table: &str, field: &str, uri: Option<&str>, reached: Reached<'_>) -> Option<Listed> {
    let uri = uri.filter(|uri| uri.starts_with(SCHEME))?;
    let key = keys.token(table, field, uri, reached);
    Some(Listed {
        name: format!("{table}.{field}"),
        file: Some(uri.into()),
        dates: None,
        key: Some(key.map(|key| key.kind()).map_err(|error| error.sentence())),
    })
}

fn first(path: &Path) -> Result<Dates, String> {
    let chain = read_certificates(path).map_err(|error| error.to_string())?;
    Dates::of_chain(&chain)
}
