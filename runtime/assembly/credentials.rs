//! From `[credentials.<name>]` to what is attached.

use std::sync::Arc;

use http::HeaderName;

use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::config::secrets::{Secrets, value_as_name};
use crate::config::tables::{ClientAuth, Credential as File, Redact, Type};
use crate::credentials::{
    AssertionKey, Credential, Credentials, GithubApp, Grant, Hmac, JwtBearer, Kind, OAuth2, Secret, SigV4, TokenCache,
    check_key, is_loopback,
};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::keys::KeyKind;
use crate::keys::process::{CurrentKey, KeyFile, KeyProcess};
use crate::rules::Scope;

use super::keys::{Keys, Reached};

/// Fields that frame a message or belong to its connection: no credential is one.
const CONNECTIONS_OWN: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Every credential of the file that can be attached.
pub(super) fn credentials(
    files: &Files,
    project: &ProjectFile,
    secrets: &Secrets,
    keys: Option<&Keys<'_>>,
) -> Credentials {
    project
        .credentials
        .iter()
        .filter_map(|(name, file)| {
            let reader = Reader {
                files,
                secrets,
                keys,
                name,
                file,
            };
            let credential = files.problems.value(reader.credential(project));
            if credential.is_none() {
                files.problems.unread(files.subject(&format!("credentials.{name}")));
            }
            Some((name.clone(), Arc::new(credential?)))
        })
        .collect()
}

struct Reader<'a> {
    files: &'a Files,
    secrets: &'a Secrets,
    /// Absent where `[keys]` can not be used, which is complained of already.
    keys: Option<&'a Keys<'a>>,
    name: &'a str,
    file: &'a File,
}

impl Reader<'_> {
    fn complain(&self, field: &str, message: &str) -> ConfigError {
        self.files
            .complain(&format!("credentials.{}.{field}", self.name), message)
    }

    fn credential(&self, project: &ProjectFile) -> Result<Credential, ConfigError> {
        let file = self.file;
        let known = file.kind.fields();
        if let Some(stray) = file.own_fields().iter().find(|field| !known.contains(field)) {
            return Err(self.complain(
                stray,
                &format!(
                    "a credential of this type has no {stray:?}: it has {}",
                    known.join(", ")
                ),
            ));
        }
        self.check_hosts()?;
        if file.kind == Type::Identity && project.identity.is_none() {
            return Err(self
                .complain("type", "there is no identity to prove")
                .with_help("Add a table [identity] with issuer and trust_domain")
                .about(self.files.subject("identity")));
        }
        let scope = Scope {
            hosts: file.hosts.clone(),
            methods: file.methods.clone(),
            paths: file.paths.clone(),
            websocket: None,
            ..Scope::default()
        };
        Ok(Credential::new(
            self.name,
            scope,
            self.kind()?,
            file.redact == Redact::Body,
        ))
    }

    fn check_hosts(&self) -> Result<(), ConfigError> {
        if self.file.hosts.is_empty() {
            return Err(self.complain("hosts", "a credential must be bound to at least one host"));
        }
        for (pattern, registry) in self.file.hosts.iter().filter_map(|host| Some((host, host.registry()?))) {
            tracing::warn!(
                "the credential {:?} is bound to {pattern}: anybody can have a name below {registry}, and the policy can send it there",
                self.name
            );
        }
        if !self.file.hosts.iter().any(crate::rules::HostPattern::is_everything) {
            return Ok(());
        }
        // Everything is meant only where nothing else is said.
        if self.file.hosts.len() > 1 || !self.file.hosts[0].is_star() {
            return Err(self
                .complain("hosts", "a pattern matches every host")
                .with_help("Name the hosts; or write hosts = [\"*\"] where every host is really meant"));
        }
        tracing::warn!(
            "the credential {:?} is bound to every host: the policy can send it anywhere",
            self.name
        );
        Ok(())
    }

    fn need<'v>(&self, field: &str, value: Option<&'v String>) -> Result<&'v String, ConfigError> {
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| self.complain(field, &format!("a credential of this type needs {field:?}")))
    }

    fn named(&self, field: &str, name: &str) -> Result<Secret, ConfigError> {
        let value = self.secrets.get(name).ok_or_else(|| {
            if let Some((why, help)) = self.secrets.absent(name) {
                return self.complain(field, &why).with_help(help);
            }
            let field = format!("credentials.{}.{field}", self.name);
            value_as_name(&self.files.location(&field), &field)
        })?;
        self.check_text(field, name, &value)?;
        Ok(Secret::fixed(name, value))
    }

    /// What is sent to partners, or signed with, is no text of several lines: that is what a file's or a shell's line end makes of it.
    fn check_text(&self, field: &str, name: &str, value: &str) -> Result<(), ConfigError> {
        if matches!(self.file.kind, Type::JwtBearer | Type::GithubApp) {
            return Ok(());
        }
        if value.chars().any(char::is_control) || value.trim().is_empty() {
            let why = format!(
                "the value of the secret {name:?} has a line end or another control character, or is white space"
            );
            let help = "Take it off: no partner could be sent it as it is. A secret of a `file` loses the white space around it";
            return Err(self.complain(field, &why).with_help(help));
        }
        if value != value.trim() {
            let place = self.files.location(&format!("credentials.{}.{field}", self.name));
            tracing::warn!(
                "{place}, credentials.{}.{field}: the value of {name} begins or ends with white space, which is sent too",
                self.name
            );
        }
        Ok(())
    }

    fn secret(&self) -> Result<Secret, ConfigError> {
        self.optional_secret()?
            .ok_or_else(|| self.complain("secret", "expected `secret`, a name, or `file`, a path"))
    }

    fn optional_secret(&self) -> Result<Option<Secret>, ConfigError> {
        match (&self.file.secret, &self.file.file) {
            (Some(_), Some(_)) => Err(self.complain("file", "expected one of `secret` and `file`, found both")),
            (Some(name), None) => self.named("secret", name).map(Some),
            (None, Some(path)) => Secret::from_file(&self.files.folder.join(path))
                .map(Some)
                .map_err(|why| self.complain("file", &why)),
            (None, None) => Ok(None),
        }
    }

    fn header(&self) -> Result<HeaderName, ConfigError> {
        let name = self.need("header", self.file.header.as_ref())?;
        let parsed: HeaderName = name
            .parse()
            .map_err(|_| self.complain("header", &format!("{name:?} is no header name")))?;
        if CONNECTIONS_OWN.contains(&parsed.as_str()) {
            let why = format!("{name:?} is of the connection, which writes its own");
            return Err(self.complain("header", &why));
        }
        Ok(parsed)
    }

    /// RFC 7617, section 2: what is behind the first colon is the password.
    fn username(&self) -> Result<String, ConfigError> {
        let name = self.need("username", self.file.username.as_ref())?;
        if name.contains(|character: char| character == ':' || character.is_control()) {
            return Err(self.complain("username", "expected a name without a colon and control characters"));
        }
        Ok(name.clone())
    }

    fn kind(&self) -> Result<Kind, ConfigError> {
        let file = self.file;
        Ok(match file.kind {
            Type::Bearer => Kind::Bearer(self.secret()?),
            Type::Basic => Kind::Basic {
                username: self.username()?,
                password: self.secret()?,
            },
            Type::Header => Kind::Header {
                name: self.header()?,
                prefix: file.prefix.clone().unwrap_or_default(),
                secret: self.secret()?,
            },
            Type::Query => Kind::Query {
                name: self.need("parameter", file.parameter.as_ref())?.clone(),
                secret: self.secret()?,
            },
            Type::OAuth2 => self.oauth2()?,
            Type::JwtBearer => Kind::JwtBearer(JwtBearer {
                token_url: self.token_url()?,
                issuer: self.need("issuer", file.issuer.as_ref())?.clone(),
                subject: file.subject.clone(),
                audience: file.audience.clone(),
                scopes: file.scopes.clone(),
                key: self.private_key()?,
                key_id: file.key_id.clone(),
                cache: TokenCache::default(),
            }),
            Type::GithubApp => Kind::GithubApp(GithubApp {
                api: match &file.api {
                    Some(api) => self.endpoint("api", api)?,
                    None => "https://api.github.com".to_owned(),
                },
                app_id: self.need("app_id", file.app_id.as_ref())?.clone(),
                installation_id: self.need("installation_id", file.installation_id.as_ref())?.clone(),
                key: self.private_key()?,
                cache: TokenCache::default(),
            }),
            Type::SigV4 => Kind::SigV4(SigV4 {
                access_key_id: self.need("access_key_id", file.access_key_id.as_ref())?.clone(),
                secret_access_key: self.secret()?,
                session_token: file
                    .session_token
                    .as_ref()
                    .map(|name| self.named("session_token", name))
                    .transpose()?,
                region: self.need("region", file.region.as_ref())?.clone(),
                service: self.need("service", file.service.as_ref())?.clone(),
            }),
            Type::Hmac => Kind::Hmac(Hmac {
                header: self.header()?,
                secret: self.secret()?,
            }),
            Type::Identity => Kind::Identity,
        })
    }

    fn token_url(&self) -> Result<String, ConfigError> {
        self.endpoint("token_url", self.need("token_url", self.file.token_url.as_ref())?)
    }

    /// Where secrets are sent: by https, or within this machine.
    fn endpoint(&self, field: &str, url: &str) -> Result<String, ConfigError> {
        match deno_core::url::Url::parse(url) {
            Ok(parsed) if parsed.scheme() == "https" || (parsed.scheme() == "http" && is_loopback(&parsed)) => {
                Ok(url.to_owned())
            }
            _ => Err(self.complain(
                field,
                &format!("expected an https URL (http is for loopback), found {url:?}"),
            )),
        }
    }

    fn private_key(&self) -> Result<AssertionKey, ConfigError> {
        if let Some(uri) = &self.file.key {
            if self.file.secret.is_some() || self.file.file.is_some() {
                return Err(self.complain("key", "expected one of `key`, `secret` and `file`, found two"));
            }
            let keys = self
                .keys
                .ok_or_else(|| self.complain("key", "[keys] can not be used"))?;
            let reached = Reached {
                module: self.file.module.as_ref(),
                pin: self.file.pin.as_ref(),
            };
            let table = format!("credentials.{}", self.name);
            return keys.token(&table, "key", uri, reached).map(AssertionKey::Token);
        }
        let field = if self.file.file.is_some() { "file" } else { "secret" };
        let key = match self.keys.and_then(Keys::process) {
            Some(process) => self.held_key(process)?,
            None => AssertionKey::Pem(self.secret()?),
        };
        check_key(&key).map_err(|why| self.complain(field, &why))?;
        Ok(key)
    }

    /// A key that this process is not to read.
    fn held_key(&self, process: &Arc<KeyProcess>) -> Result<AssertionKey, ConfigError> {
        let (Some(path), None) = (&self.file.file, &self.file.secret) else {
            return Err(self
                .complain(
                    "secret",
                    "a secret's value is in this process's memory, and [keys] process = true wants no key there",
                )
                .with_help("Name a file that holds the key: file = \"keys/app.pem\""));
        };
        let key = CurrentKey::open(KeyFile::new(process, self.files.folder.join(path)));
        let key = key.map_err(|why| self.complain("file", &why))?;
        if !matches!(key.key().public().kind, KeyKind::Rsa | KeyKind::P256) {
            return Err(self.complain(
                "file",
                "it is no RSA or P-256 private key in PEM, but a private key of another kind",
            ));
        }
        Ok(AssertionKey::Held(key))
    }

    fn oauth2(&self) -> Result<Kind, ConfigError> {
        let file = self.file;
        let grant = match &file.refresh_token {
            Some(name) => Grant::RefreshToken(self.named("refresh_token", name)?),
            None => Grant::ClientCredentials,
        };
        let secret = match grant {
            // Public clients have a refresh token and no secret.
            Grant::RefreshToken(_) => self.optional_secret()?,
            Grant::ClientCredentials => Some(self.secret()?),
        };
        OAuth2::new(
            self.token_url()?,
            self.need("client_id", file.client_id.as_ref())?.clone(),
            secret,
            file.client_auth == Some(ClientAuth::Body),
            grant,
            file.scopes.clone(),
            file.audience.clone(),
        )
        .map(Kind::OAuth2)
        .map_err(|why| self.complain("token_url", &why))
    }
}
