//! How clients' connections are taken: TLS, the PROXY protocol, and what agents are told of a client as `request.cf`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::keys::{Keys, Reached};
use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::config::tables::{ShownBy, Tls};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::egress::tls::{Identity, read_roots};
use crate::host::Front;
use crate::keys::{KeySource, read_lists};
use crate::metrics::CertificateEnds;
use crate::reloadable::ReloadableFiles;
use crate::rules::Forwarders;
use crate::server_tls::{ClientAuth, ServerTls, Shown, Verification};

/// How the certificate is called in messages and metrics.
const NAME: &str = "tls";

/// What the configuration says of all that.
pub(super) fn front(
    files: &Files,
    project: &ProjectFile,
    keys: Option<&Keys<'_>>,
    reloaded: (&mut ReloadableFiles, &CertificateEnds, &mut Vec<ConfigError>),
) -> Result<Front, ConfigError> {
    let tls = match &project.tls {
        Some(section) => Some(tls(files, section, keys, reloaded)?),
        None => None,
    };
    Ok(Front {
        proxies: Arc::new(Forwarders(project.proxy_protocol.clone())),
        tls,
        cf: cf(files, project)?,
    })
}

/// A certificate and its key, as they are written.
struct Written {
    /// How it is called in messages and metrics.
    name: String,
    cert: PathBuf,
    key: KeySource,
}

impl Written {
    fn load(&self) -> Result<Identity, String> {
        Identity::load(&self.name, &self.cert, &self.key, &[]).map_err(|error| error.to_string())
    }
}

/// All files of `[tls]`.
struct Loads {
    default: Written,
    others: Vec<Written>,
    roots: Vec<PathBuf>,
    lists: Vec<PathBuf>,
}

impl Loads {
    /// Reads them. An error names the field.
    fn load(&self) -> Result<(Shown, Verification), (String, String)> {
        let load = |written: &Written| written.load().map_err(|why| (written.name.clone(), why));
        let shown = Shown {
            default: load(&self.default)?,
            others: self.others.iter().map(load).collect::<Result<_, _>>()?,
        };
        let mut verification = Verification::default();
        for path in &self.roots {
            let roots = read_roots(path).map_err(|error| ("tls.client_ca".to_owned(), error.to_string()))?;
            verification.roots.extend(roots);
        }
        for path in &self.lists {
            let (lists, is_late) = read_lists(path).map_err(|why| ("tls.client_crl".to_owned(), why))?;
            if is_late {
                tracing::error!(
                    "{}: the list of revoked certificates is no longer in force: clients of its issuer are refused",
                    path.display()
                );
            }
            verification.revoked.extend(lists);
        }
        Ok((shown, verification))
    }

    fn paths(&self) -> Vec<PathBuf> {
        let certificates = std::iter::once(&self.default).chain(&self.others);
        let certificates = certificates.flat_map(|one| {
            std::iter::once(one.cert.as_path())
                .chain(one.key.path())
                .map(Path::to_owned)
        });
        let clients = self.roots.iter().chain(&self.lists).cloned();
        certificates.chain(clients).collect()
    }
}

fn tls(
    files: &Files,
    section: &Tls,
    keys: Option<&Keys<'_>>,
    (reloadable, ends, unusable): (&mut ReloadableFiles, &CertificateEnds, &mut Vec<ConfigError>),
) -> Result<ServerTls, ConfigError> {
    let auth = client_auth(files, section)?;
    let keys = keys.ok_or_else(|| files.complain("keys", "it can not be used"))?;
    let written = |name: &str, cert: &Path, key: &Path, (module, pin): (Option<&String>, Option<&String>)| {
        Ok(Written {
            name: name.to_owned(),
            cert: files.folder.join(cert),
            key: keys.source(name, "key", key, Reached { module, pin })?,
        })
    };
    let reached = (section.module.as_ref(), section.pin.as_ref());
    let others = section.certificates.iter().enumerate().map(|(at, other)| {
        let name = format!("{NAME}.certificates[{at}]");
        written(
            &name,
            &other.cert,
            &other.key,
            (other.module.as_ref(), other.pin.as_ref()),
        )
    });
    let within = |paths: &[PathBuf]| paths.iter().map(|path| files.folder.join(path)).collect();
    let loads = Loads {
        default: written(NAME, &section.cert, &section.key, reached)?,
        others: others.collect::<Result<_, ConfigError>>()?,
        roots: within(&section.client_ca),
        lists: within(&section.client_crl),
    };
    let (shown, verification) = loads.load().map_err(|(field, why)| files.complain(&field, &why))?;
    // Clients decide what they make of it. Who may renew it may need the server for that.
    for (written, identity) in std::iter::once(&loads.default)
        .chain(&loads.others)
        .zip(std::iter::once(&shown.default).chain(&shown.others))
    {
        if let Err(why) = identity.check_dates() {
            let cert = written.cert.display();
            let why = format!("{cert}: the certificate {why}: clients will refuse it");
            let help = "Renew the certificate: the files are read again when they change";
            unusable.push(files.complain(&format!("{}.cert", written.name), &why).with_help(help));
        }
        ends.set(&written.name, identity.dates().not_after);
    }
    let made = ServerTls::new(&shown, auth, &verification);
    let (tls, exchange) = made.map_err(|why| files.complain(NAME, &why))?;
    let ends = ends.clone();
    reloadable.watch(NAME, loads.paths(), move || {
        let (shown, verification) = loads.load().map_err(|(_, why)| why)?;
        let all = || std::iter::once(&shown.default).chain(&shown.others);
        for identity in all() {
            let name = &identity.name;
            identity
                .check_dates()
                .map_err(|why| format!("the certificate {name} {why}"))?;
        }
        exchange.replace(&shown, &verification)?;
        for identity in all() {
            ends.set(&identity.name, identity.dates().not_after);
        }
        Ok(())
    });
    Ok(tls)
}

fn client_auth(files: &Files, section: &Tls) -> Result<ClientAuth, ConfigError> {
    if section.client_ca.is_empty() && !section.client_crl.is_empty() {
        return Err(files
            .complain(
                "tls.client_crl",
                "no certificates of clients are verified that it could revoke",
            )
            .with_help("Set client_ca = [\"clients-ca.pem\"] beside it, or take client_crl out"));
    }
    match (section.client_auth, section.client_ca.is_empty()) {
        (Some(ShownBy::None), false) => Err(files
            .complain(
                "tls.client_ca",
                "nobody is asked for a certificate that it could verify",
            )
            .with_help("Set client_auth = \"optional\" or \"required\", or take client_ca out")),
        (Some(ShownBy::Optional | ShownBy::Required), true) => Err(files
            .complain(
                "tls.client_auth",
                "there is nothing that clients' certificates could be verified by",
            )
            .with_help("Set client_ca = [\"clients-ca.pem\"] beside it")),
        (None | Some(ShownBy::None), true) => Ok(ClientAuth::None),
        (Some(ShownBy::Optional), false) => Ok(ClientAuth::Optional),
        (None | Some(ShownBy::Required), false) => Ok(ClientAuth::Required),
    }
}

/// The members of `[cf]` in JSON.
fn cf(files: &Files, project: &ProjectFile) -> Result<Option<Arc<str>>, ConfigError> {
    let Some(section) = &project.cf else { return Ok(None) };
    let mut members = Vec::new();
    for (name, value) in section {
        let value = json(value).ok_or_else(|| {
            files.complain(
                &format!("cf.{name}"),
                "expected text, a number, true, false, a list or a table: a date is written as text",
            )
        })?;
        members.push(format!("{}:{value}", Value::from(name.as_str())));
    }
    Ok(Some(members.join(",").into()))
}

/// A value as JSON has it. Nothing for dates, and for numbers that are none.
fn json(value: &toml::Value) -> Option<Value> {
    Some(match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(*number)?.into(),
        toml::Value::Boolean(truth) => (*truth).into(),
        toml::Value::Datetime(_) => return None,
        toml::Value::Array(list) => list.iter().map(json).collect::<Option<Vec<_>>>()?.into(),
        toml::Value::Table(table) => {
            let members = table.iter().map(|(name, value)| Some((name.clone(), json(value)?)));
            Value::Object(members.collect::<Option<_>>()?)
        }
    })
}
