//! The network: rules, address rules, roots, timeouts and what bindings go out with.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Access, access};
use tokio::sync::watch;

use crate::audit::{AccessLog, AuditOptions, Auditor};
use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::config::tables::{Issue, Mode, MtlsCertificate, OnFailure, Rule as Section};
use crate::credentials::Credentials;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::egress::address::Rules as AddressRules;
use crate::egress::tls::{Identity, Lists, read_revoked, read_roots};
use crate::egress::{Binding, Certificate, Network, Timeouts};
use crate::identity::Issuer;
use crate::keys::Invalid;
use crate::metrics::CertificateEnds;
use crate::reloadable::ReloadableFiles;
use crate::rules::{HostPattern, Protocol, Rule, Rules, Scope};

use super::keys::{Keys, Reached};
use super::unreachable::{warn_of_contradictions, warn_of_unreachable};

/// The list of the policy.
const POLICYS: &str = "outbound.egress";

/// The methods that are registered and in use.
const METHODS: [&str; 19] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "QUERY",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "ACL",
    "PURGE",
];

/// A list of rules, named for the messages of those that have no name of their own.
pub(super) fn rules(name: &str, list: &[Section]) -> Rules {
    let list_name = name;
    let rules = list.iter().enumerate().map(|(index, section)| {
        let name = section.name.clone().unwrap_or_else(|| format!("{name}[{index}]"));
        if section.mode == Mode::Audit {
            let hosts: Vec<String> = section.hosts.iter().map(ToString::to_string).collect();
            let hosts = hosts.join(", ");
            if section.is_of_hosts_alone() {
                tracing::warn!(
                    "the rule {name} only audits and has no effect: it limits nothing of {hosts} but hosts, and other hosts are denied where no rule names them"
                );
            } else {
                tracing::warn!(
                    "the rule {name} only audits: what it would deny of {hosts} passes, also where another rule of these hosts denies it; hosts that no rule names are denied"
                );
            }
        }
        for method in section.methods.iter().map(http::Method::as_str) {
            let near = METHODS.iter().find(|known| strsim::osa_distance(known, method) <= 1);
            if let (false, Some(near)) = (METHODS.contains(&method), near) {
                tracing::warn!("the rule {name} names the method {method}, which HTTP does not have: did you mean {near}?");
            }
        }
        let has_tcp = section.protocols.contains(&Protocol::Tcp);
        if has_tcp && !(section.methods.is_empty() && section.paths.is_empty()) {
            tracing::warn!(
                "the rule {name} allows no connection of TCP: those have neither methods nor paths. Write a rule with `tcp` for them alone"
            );
        }
        if section.h2c && list_name != POLICYS {
            tracing::warn!("the rule {name} says h2c, which the policy's rules alone decide: see [[outbound.egress]]");
        }
        Rule {
            h2c: section.h2c,
            name: name.into(),
            scope: Scope {
                hosts: section.hosts.clone(),
                methods: section.methods.clone(),
                paths: section.paths.clone(),
                websocket: section.websocket,
                protocols: section.protocols.clone(),
                ports: section.ports.clone(),
            },
            audit: section.mode == Mode::Audit,
        }
    });
    Rules {
        rules: rules.collect(),
        name: name.into(),
    }
}

/// The network behind the policy, without its bindings.
pub(super) fn network(
    (files, looks): (&Files, bool),
    project: &ProjectFile,
    identity: Option<Arc<Issuer>>,
    policy_sha256: Option<String>,
) -> Network {
    let mut roots = Vec::new();
    for path in &project.network.ca {
        let found =
            read_roots(&files.folder.join(path)).map_err(|error| files.complain("network.ca", &error.to_string()));
        roots.extend(files.problems.value(found).into_iter().flatten());
    }
    warn_of_contradictions(&project.network.allow, &project.network.deny);
    let addresses = AddressRules::new(project.network.allow.clone(), project.network.deny.clone());
    let egress = project
        .outbound
        .as_ref()
        .and_then(|outbound| outbound.egress.as_deref());
    warn_of_unreachable(POLICYS, egress.unwrap_or_default(), &addresses);
    Network {
        rules: Arc::new(addresses),
        nameservers: project.network.nameservers.clone(),
        roots,
        revoked: None,
        bindings: Vec::new(),
        timeouts: Timeouts {
            connect: project.timeouts.connect,
            lookup: project.timeouts.lookup,
            first_byte: project.timeouts.first_byte,
            idle: project.timeouts.idle,
            unread: project.timeouts.unread,
        },
        egress: egress.map(|list| rules(POLICYS, list)),
        identity,
        propagate_trace: project.trace.propagate,
        audit: files
            .problems
            .value(audit((files, looks), project))
            .flatten()
            .map(Arc::new),
        policy_sha256,
    }
}

/// Records a second of one agent, of what does not leave, where the owner says nothing.
const RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(199);

/// Fails where a file of lines could not be written by whoever looks, without making it.
fn writable(path: Option<&Path>) -> std::io::Result<()> {
    let Some(path) = path else { return Ok(()) };
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let there = path.exists();
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let access = if there {
        access(path, Access::WRITE_OK)
    } else {
        access(folder, Access::WRITE_OK | Access::EXEC_OK)
    };
    Ok(access?)
}

fn audit((files, looks): (&Files, bool), project: &ProjectFile) -> Result<Option<Auditor>, ConfigError> {
    let Some(section) = &project.audit else {
        return Ok(None);
    };
    let path = section.file.as_ref().map(|file| files.folder.join(file));
    let shown = path
        .as_ref()
        .map_or_else(String::new, |path| path.display().to_string());
    let options = AuditOptions {
        deny: section.on_failure == OnFailure::Deny,
        shown: section.query.clone(),
        rate: section.rate.unwrap_or(RATE),
    };
    let opened = if looks {
        writable(path.as_deref()).map(|()| Auditor::nowhere())
    } else {
        Auditor::open(path, options)
    };
    opened
        .map(Some)
        .map_err(|error| files.complain("audit.file", &format!("{shown} can not be written: {error}")))
}

/// Where each client's request is told of.
pub(super) fn access_log(
    (files, looks): (&Files, bool),
    project: &ProjectFile,
) -> Result<Option<Arc<AccessLog>>, ConfigError> {
    let Some(section) = &project.access_log else {
        return Ok(None);
    };
    let file = section.file.as_ref().filter(|file| file.as_os_str() != "-");
    let path = file.map(|file| files.folder.join(file));
    let shown = path
        .as_ref()
        .map_or_else(String::new, |path| path.display().to_string());
    let opened = if looks {
        writable(path.as_deref()).map(|()| None)
    } else {
        AccessLog::open(path, section.query.clone()).map(|log| Some(Arc::new(log)))
    };
    opened.map_err(|error| files.complain("access_log.file", &format!("{shown} can not be written: {error}")))
}

/// Makes bindings, and keeps what they are made of up to date.
pub(super) struct Bindings<'a> {
    pub(super) files: &'a Files,
    pub(super) project: &'a ProjectFile,
    pub(super) credentials: &'a Credentials,
    pub(super) keys: Option<&'a Keys<'a>>,
    pub(super) reloadable: &'a mut ReloadableFiles,
    /// Certificates that do not hold now.
    pub(super) unusable: &'a mut Vec<ConfigError>,
    /// Until when certificates hold.
    pub(super) ends: &'a CertificateEnds,
}

/// A certificate that does not hold now: its field, its file, and what is refused until it is renewed.
pub(super) fn unusable(files: &Files, field: &str, cert: &Path, why: Invalid, refused: &str) -> ConfigError {
    files
        .complain(field, &format!("{}: the certificate {why}", cert.display()))
        .with_help(format!(
            "Renew the certificate: the files are read again when they change, and until then {refused} is refused"
        ))
}

impl Bindings<'_> {
    /// A client certificate. `field` is what names it.
    fn certificate(&mut self, field: &str, id: &str) -> Result<Certificate, ConfigError> {
        let section = self.project.certificates.get(id).ok_or_else(|| {
            self.files
                .complain(field, &format!("there is no certificate {id:?}"))
                .with_help(format!("Add a table [certificates.{id}] with cert and key"))
                .about(self.files.subject(&format!("certificates.{id}")))
        })?;
        let own = |name: &str| format!("certificates.{id}.{name}");
        let join = |path: &std::path::PathBuf| self.files.folder.join(path);
        let roots: Vec<_> = section.ca.iter().map(join).collect();
        let lists: Vec<_> = section.crl.iter().map(join).collect();
        if !lists.is_empty() && (roots.is_empty() || section.issue.is_some()) {
            return Err(self
                .files
                .complain(&own("crl"), "lists are for upstreams of the authorities that `ca` names, beside `cert` and `key`")
                .with_help("Name in `ca` who issues the upstreams' certificates, and in `crl` a list of each of these authorities"));
        }
        if section.issue == Some(Issue::Agent) {
            if section.cert.is_some() || section.key.is_some() {
                return Err(self
                    .files
                    .complain(&own("issue"), "an issued certificate has no `cert` and no `key`"));
            }
            if self
                .project
                .identity
                .as_ref()
                .is_none_or(|identity| identity.issuing_certificate.is_none())
            {
                return Err(self
                    .files
                    .complain(&own("issue"), "there is nothing to issue certificates with")
                    .with_help("Set issuing_certificate and issuing_key under [identity]")
                    .about(self.files.subject("identity.issuing_certificate")));
            }
            let mut found = Vec::new();
            for root in &roots {
                found.extend(read_roots(root).map_err(|error| self.files.complain(&own("ca"), &error.to_string()))?);
            }
            return Ok(Certificate::Agent(found));
        }
        let (Some(cert), Some(key)) = (&section.cert, &section.key) else {
            return Err(self.files.complain(
                &format!("certificates.{id}"),
                "expected `cert` and `key`, or `issue = \"agent\"`",
            ));
        };
        let reached = Reached {
            module: section.module.as_ref(),
            pin: section.pin.as_ref(),
        };
        let keys = self
            .keys
            .ok_or_else(|| self.files.complain("keys", "it can not be used"))?;
        let key = keys.source(&format!("certificates.{id}"), "key", key, reached)?;
        let cert = join(cert);
        let load = {
            let (id, cert, key) = (id.to_owned(), cert.clone(), key.clone());
            let (roots, lists) = (roots.clone(), lists.clone());
            move || {
                let loaded = Identity::load(&id, &cert, &key, &roots).and_then(|identity| identity.with_lists(&lists));
                loaded.map_err(|error| error.to_string())
            }
        };
        let identity = load().map_err(|why| self.files.complain(&format!("certificates.{id}"), &why))?;
        if let Err(why) = identity.check_dates() {
            let field = own("cert");
            self.unusable.push(unusable(
                self.files,
                &field,
                &cert,
                why,
                &format!("every request by {id:?}"),
            ));
        }
        let (ends, name) = (self.ends.clone(), format!("certificates.{id}"));
        ends.set(&name, identity.dates().not_after);
        let (sender, receiver) = watch::channel(Arc::new(identity));
        let mut paths = vec![cert];
        paths.extend(key.path().map(Path::to_owned));
        paths.extend(roots);
        paths.extend(lists);
        self.reloadable.watch(format!("certificates.{id}"), paths, move || {
            let identity = load()?;
            identity.check_dates().map_err(|why| format!("the certificate {why}"))?;
            ends.set(&name, identity.dates().not_after);
            sender.send_replace(Arc::new(identity));
            Ok(())
        });
        Ok(Certificate::Files(receiver))
    }

    /// What the authorities of `network.ca` have revoked. Nothing where there are no lists.
    pub(super) fn revoked(&mut self) -> Result<Option<watch::Receiver<Lists>>, ConfigError> {
        const FIELD: &str = "network.crl";
        let paths = self.project.network.crl.iter();
        let paths: Vec<_> = paths.map(|path| self.files.folder.join(path)).collect();
        if paths.is_empty() {
            return Ok(None);
        }
        if self.project.network.ca.is_empty() {
            return Err(self
                .files
                .complain(FIELD, "lists are for upstreams of the authorities that `network.ca` names, and it names none")
                .with_help("Name in `ca` who issues the upstreams' certificates, and in `crl` a list of each of these authorities"));
        }
        let load = {
            let paths = paths.clone();
            move || read_revoked(&paths).map(Arc::new).map_err(|error| error.to_string())
        };
        let lists = load().map_err(|why| self.files.complain(FIELD, &why))?;
        let (sender, receiver) = watch::channel(lists);
        self.reloadable.watch(FIELD, paths, move || {
            sender.send_replace(load()?);
            Ok(())
        });
        Ok(Some(receiver))
    }

    /// Reads a certificate that nobody is given.
    pub(super) fn look(&mut self, field: &str, id: &str) -> Result<(), ConfigError> {
        self.certificate(field, id).map(drop)
    }

    /// The only hosts that a certificate is shown to.
    fn hosts(&self, id: &str) -> Vec<HostPattern> {
        let section = self.project.certificates.get(id);
        section.map(|section| section.hosts.clone()).unwrap_or_default()
    }

    /// A binding of a client certificate alone.
    pub(super) fn identity(&mut self, bound: &MtlsCertificate) -> Result<Binding, ConfigError> {
        let id = &bound.certificate_id;
        let certificate = self.certificate("outbound.mtls_certificates", id)?;
        let certificate_hosts = self.hosts(id);
        if certificate_hosts.is_empty() {
            tracing::warn!(
                "the certificate {id:?} is shown to every host that the policy fetches with env.{}: name them with hosts = \
                 [\"partner.example\"] under [certificates.{id}]",
                bound.binding
            );
        }
        Ok(Binding {
            certificate: Some(certificate),
            certificate_hosts,
            credential: None,
            propagate_trace: bound.propagate_trace,
        })
    }

    /// A binding of a credential.
    pub(super) fn credential(&mut self, name: &str, propagate_trace: Option<bool>) -> Result<Binding, ConfigError> {
        let credential = self.credentials.get(name).ok_or_else(|| {
            self.files
                .complain("outbound.credentials", &format!("there is no credential {name:?}"))
                .with_help(format!("Add a table [credentials.{name}] with type and hosts"))
                .about(self.files.subject(&format!("credentials.{name}")))
        })?;
        for secret in credential.secrets() {
            if let Some(path) = secret.file() {
                let secret = secret.clone();
                self.reloadable
                    .watch(format!("credentials.{name}"), vec![path.to_owned()], move || {
                        secret.reload()
                    });
            }
        }
        if let Some(key) = credential.held_key() {
            let key = key.clone();
            let paths = vec![key.path().to_owned()];
            self.reloadable
                .watch(format!("credentials.{name}"), paths, move || key.reload());
        }
        let certificate = self
            .project
            .credentials
            .get(name)
            .and_then(|section| section.certificate.as_ref());
        // Where it has no hosts of its own, the credential's hold.
        let certificate_hosts = certificate.map(|id| self.hosts(id)).unwrap_or_default();
        let certificate = match certificate {
            Some(id) => Some(self.certificate(&format!("credentials.{name}.certificate"), id)?),
            None => None,
        };
        Ok(Binding {
            certificate,
            certificate_hosts,
            credential: Some(Arc::clone(credential)),
            propagate_trace,
        })
    }
}
