//! The identities that a configuration names, for whoever looks after them: expired and broken ones too.

use std::path::{Path, PathBuf};

use crate::config::Flags;
use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::config::tables::Issue;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::egress::tls::Identity;
use crate::keys::{Dates, read_certificates};

/// One identity or issuing certificate.
#[derive(Debug)]
pub struct Listed {
    /// Its name in the configuration.
    pub name: String,
    /// Where it is.
    pub file: Option<PathBuf>,
    /// What it says; why it cannot be used; or nothing, where it is issued when it is needed.
    pub dates: Option<Result<Dates, String>>,
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
    let join = |path: &PathBuf| files.folder.join(path);
    let mut listed = Vec::new();
    for (id, section) in &project.certificates {
        let name = format!("certificates.{id}");
        listed.push(match (section.issue, &section.cert, &section.key) {
            (Some(Issue::Agent), _, _) => Listed {
                name,
                file: None,
                dates: None,
            },
            (None, Some(cert), Some(key)) => {
                let cert = join(cert);
                let roots: Vec<_> = section.ca.iter().map(join).collect();
                let dates = Identity::load(id, &cert, &join(key), &roots)
                    .map_err(|error| error.to_string())
                    .map(|identity| identity.dates().clone());
                Listed {
                    name,
                    file: Some(cert),
                    dates: Some(dates),
                }
            }
            _ => {
                return Err(files.complain(&name, "expected `cert` and `key`, or `issue = \"agent\"`"));
            }
        });
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
        });
    }
    Ok(listed)
}

fn first(path: &Path) -> Result<Dates, String> {
    let chain = read_certificates(path).map_err(|error| error.to_string())?;
    Dates::of_chain(&chain)
}
