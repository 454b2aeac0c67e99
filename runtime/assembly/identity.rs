//! `[identity]`: what agents prove themselves with.

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::credentials::is_loopback;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::identity::{Authority, Issuer, KeyRing, KeyStore};
use crate::keys::KeySource;
use crate::metrics::CertificateEnds;
use crate::reloadable::ReloadableFiles;

use super::keys::{Keys, Reached};

/// The issuer, if one is configured. `policy_sha256` is over the policy's modules. Who only `looks` makes no key.
pub(super) fn identity(
    (files, looks): (&Files, bool),
    project: &ProjectFile,
    policy_sha256: Option<String>,
    keys: Option<&Keys<'_>>,
    (reloadable, ends): (&mut ReloadableFiles, &CertificateEnds),
    unusable: &mut Vec<ConfigError>,
) -> Result<Option<Arc<Issuer>>, ConfigError> {
    let Some(section) = &project.identity else {
        return Ok(None);
    };
    let url = deno_core::url::Url::parse(&section.issuer).ok();
    let good = |url: &deno_core::url::Url| {
        (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))) && url.query().is_none()
    };
    if !url.as_ref().is_some_and(good) {
        return Err(files.complain(
            "identity.issuer",
            "expected an https URL (http is for loopback), where verifiers find the keys",
        ));
    }
    let domain = &section.trust_domain;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    if domain.is_empty() || !domain.bytes().all(plain) {
        return Err(files.complain(
            "identity.trust_domain",
            "expected lower-case letters, digits, dots, hyphens and underscores, such as \"acme.example\"",
        ));
    }
    let reached = Reached {
        module: section.module.as_ref(),
        pin: section.pin.as_ref(),
    };
    let source = |field: &str, key: &std::path::Path| {
        let keys = keys.ok_or_else(|| files.complain("keys", "it can not be used"))?;
        keys.source("identity", field, key, reached)
    };
    let store = match &section.key {
        Some(key) => match source("key", key)? {
            KeySource::File(path) => KeyStore::File(path),
            KeySource::Held(file) => KeyStore::File(file.path().to_owned()),
            KeySource::Token(key) => KeyStore::Token(key),
        },
        None => KeyStore::Folder(
            files
                .folder
                .join(project.state.as_deref().unwrap_or(".workerd-lite".as_ref()))
                .join("identity"),
            section.rotate,
        ),
    };
    let process = keys.and_then(Keys::process).cloned();
    let opened = if looks {
        KeyRing::look(store, section.ttl, process.clone())
    } else {
        KeyRing::open(store, section.ttl, process.clone())
    };
    let keys = opened.map_err(|why| files.complain("identity", &why))?;
    let authority = match (&section.issuing_certificate, &section.issuing_key) {
        (Some(cert), Some(key)) => {
            let (cert, key) = (files.folder.join(cert), source("issuing_key", key)?);
            let paths = [Some(cert.as_path()), key.path()];
            let paths = paths.into_iter().flatten().map(ToOwned::to_owned).collect();
            let ttl = section.certificate_ttl;
            let load = {
                let cert = cert.clone();
                move || Authority::load(&cert, &key, ttl, process.clone())
            };
            let field = "identity.issuing_certificate";
            let authority = load().map_err(|why| files.complain(field, &why))?;
            if let Err(why) = authority.check_dates() {
                let refused = "every request by a certificate that it issues";
                unusable.push(super::network::unusable(files, field, &cert, why, refused));
            }
            let ends = ends.clone();
            ends.set(field, authority.dates().not_after);
            let (sender, receiver) = watch::channel(Arc::new(authority));
            reloadable.watch(field, paths, move || {
                let authority = load()?;
                authority
                    .check_dates()
                    .map_err(|why| format!("the certificate {why}"))?;
                ends.set(field, authority.dates().not_after);
                sender.send_replace(Arc::new(authority));
                Ok(())
            });
            Some(receiver)
        }
        (None, None) => None,
        _ => {
            return Err(files.complain(
                "identity.issuing_certificate",
                "expected both `issuing_certificate` and `issuing_key`, or neither",
            ));
        }
    };
    let issuer = Arc::new(Issuer {
        url: section.issuer.clone(),
        trust_domain: domain.clone(),
        ttl: section.ttl,
        policy_sha256,
        keys,
        authority,
    });
    let ring = Arc::downgrade(&issuer);
    reloadable.always("identity", move || match ring.upgrade() {
        Some(issuer) => issuer.keys.refresh(),
        None => Ok(()),
    });
    Ok(Some(issuer))
}
