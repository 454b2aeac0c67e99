//! How clients' connections are taken: TLS, the PROXY protocol, and what agents are told of a client as `request.cf`.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::keys::{Keys, Reached};
use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::config::tables::{ShownBy, Tls};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::egress::tls::{Identity, read_roots};
use crate::host::Front;
use crate::metrics::CertificateEnds;
use crate::reloadable::ReloadableFiles;
use crate::rules::Forwarders;
use crate::server_tls::{ClientAuth, ServerTls};

/// How the certificate is called in messages and metrics.
const NAME: &str = "tls";

/// What the configuration says of all that.
pub(super) fn front(
    files: &Files,
    project: &ProjectFile,
    keys: Option<&Keys<'_>>,
    reloaded: (&mut ReloadableFiles, &CertificateEnds),
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

fn tls(
    files: &Files,
    section: &Tls,
    keys: Option<&Keys<'_>>,
    (reloadable, ends): (&mut ReloadableFiles, &CertificateEnds),
) -> Result<ServerTls, ConfigError> {
    let auth = client_auth(files, section)?;
    let keys = keys.ok_or_else(|| files.complain("keys", "it can not be used"))?;
    let reached = Reached {
        module: section.module.as_ref(),
        pin: section.pin.as_ref(),
    };
    let key = keys.source(NAME, "key", &section.key, reached)?;
    let cert = files.folder.join(&section.cert);
    let paths: Vec<_> = section.client_ca.iter().map(|path| files.folder.join(path)).collect();
    let load = {
        let (cert, key, paths) = (cert.clone(), key.clone(), paths.clone());
        move || {
            let identity = Identity::load(NAME, &cert, &key, &[]).map_err(|error| ("tls", error.to_string()))?;
            let mut roots = Vec::new();
            for path in &paths {
                roots.extend(read_roots(path).map_err(|error| ("tls.client_ca", error.to_string()))?);
            }
            Ok::<_, (&str, String)>((identity, roots))
        }
    };
    let (identity, roots) = load().map_err(|(field, why)| files.complain(field, &why))?;
    // Clients decide what they make of it. Who may renew it may need the server for that.
    if let Err(why) = identity.check_dates() {
        tracing::error!("{}: the certificate {why}: clients will refuse it", cert.display());
    }
    ends.set(NAME, identity.dates().not_after);
    let (tls, exchange) = ServerTls::new(&identity, auth, &roots).map_err(|why| files.complain("tls", &why))?;
    let mut watched = vec![cert];
    watched.extend(key.path().map(Path::to_owned));
    watched.extend(paths);
    let ends = ends.clone();
    reloadable.watch(NAME, watched, move || {
        let (identity, roots) = load().map_err(|(_, why)| why)?;
        identity.check_dates().map_err(|why| format!("the certificate {why}"))?;
        exchange.replace(&identity, &roots)?;
        ends.set(NAME, identity.dates().not_after);
        Ok(())
    });
    Ok(tls)
}

fn client_auth(files: &Files, section: &Tls) -> Result<ClientAuth, ConfigError> {
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
