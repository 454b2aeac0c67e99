//! Keyless credentials: JavaScript chooses one, Rust attaches it after JavaScript is done, to the hosts, methods and
//! paths that it is bound to. The value is in no isolate.

mod attach;
mod expiry;
mod github_app;
mod hmac;
mod jwt_bearer;
mod oauth2;
mod pace;
pub(crate) mod redact;
mod secret;
mod sigv4;
mod token;
mod token_cache;
mod token_response;
mod uri;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use deno_core::url::Url;
use futures_util::future::LocalBoxFuture;
use http::HeaderName;
use workerd_lite_ops::{Request, Response};

use crate::keys::process::CurrentKey;
use crate::rules::{self, Outside, Scope, Subject, is_localhost};
pub use github_app::GithubApp;
pub use hmac::Hmac;
pub(crate) use jwt_bearer::check_key;
pub use jwt_bearer::{AssertionKey, JwtBearer, TokenCache};
pub use oauth2::{Grant, OAuth2};
use redact::Redactor;
pub use secret::Secret;
pub use sigv4::SigV4;
pub(crate) use token::{Answered, TokenClient, TokenRequestError};

/// One credential, bound to where it may go.
#[derive(Debug)]
pub struct Credential {
    /// Its name in the configuration.
    pub name: String,
    /// Where it may go.
    pub scope: Scope,
    /// What is attached.
    pub kind: Kind,
    /// Whether response bodies that hold its value are redacted, as headers always are.
    pub redact_body: bool,
    redactor: Mutex<Option<(Sent, Option<Redactor>)>>,
}

/// The kinds of credentials.
#[derive(Debug)]
pub enum Kind {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer(Secret),
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A header of any name.
    Header {
        /// The header.
        name: HeaderName,
        /// What stands before the secret.
        prefix: String,
        /// Its value.
        secret: Secret,
    },
    /// A parameter of the URL's query.
    Query {
        /// The parameter.
        name: String,
        /// Its value.
        secret: Secret,
    },
    /// An access token of an OAuth 2.0 server (RFC 6749).
    OAuth2(OAuth2),
    /// An access token for a signed assertion (RFC 7523).
    JwtBearer(JwtBearer),
    /// A GitHub App's installation token.
    GithubApp(GithubApp),
    /// AWS Signature Version 4.
    SigV4(SigV4),
    /// A keyed hash over the request.
    Hmac(Hmac),
    /// A token of the agent's own identity, for the upstream's origin.
    Identity,
}

/// Why a credential does not go with a request. The owner reads it; the policy and the agent get a response that says less.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request lies outside of its scope.
    #[error("the credential {name:?} is not bound to this {outside}: see [credentials.{name}] in workerd-lite.toml")]
    Scope {
        /// The credential.
        name: String,
        /// Which part of the request.
        outside: Outside,
    },
    /// It would go over the wire in the clear.
    #[error("the credential {0:?} is attached over https only (http is for loopback)")]
    Plaintext(String),
}

impl Refusal {
    /// The answer to the request, whose host this is.
    pub(crate) fn response(&self, host: &str) -> Response {
        match self {
            Self::Scope { outside, .. } => rules::outside_of_scope(*outside, host),
            Self::Plaintext(_) => rules::plaintext(host),
        }
    }
}

/// A credential's value could not be got or made. The policy's author reads why; it says no value.
#[derive(Debug, thiserror::Error)]
#[error("the credential {name:?} is not available: {why}")]
pub(crate) struct Unavailable {
    /// The credential.
    name: String,
    /// Why.
    why: String,
}

/// What attaching needs of the host.
pub(crate) struct Host<'a> {
    /// Performs token requests.
    pub(crate) tokens: &'a dyn TokenClient,
    /// Mints a token of the calling agent's identity for an audience.
    pub(crate) mint: &'a dyn Fn(&str) -> Result<String, String>,
}

/// Values that were sent, to be looked for in what comes back.
pub(crate) type Sent = Vec<String>;

impl Credential {
    /// Where its tokens come from, for kinds that have such.
    pub(crate) fn token_endpoint(&self) -> Option<String> {
        match &self.kind {
            Kind::OAuth2(oauth2) => Some(oauth2.token_endpoint().to_owned()),
            Kind::JwtBearer(jwt) => Some(jwt.token_url.clone()),
            Kind::GithubApp(app) => Some(app.token_endpoint()),
            _ => None,
        }
    }

    /// A credential, whose redaction covers headers, and bodies too where `redact_body`.
    pub fn new(name: impl Into<String>, scope: Scope, kind: Kind, redact_body: bool) -> Self {
        Self {
            name: name.into(),
            scope,
            kind,
            redact_body,
            redactor: Mutex::new(None),
        }
    }

    /// Whether it may go with this request, which loses what proxies would tell of it.
    pub(crate) fn check(&self, request: &mut Request) -> Result<(), Refusal> {
        self.scope
            .check(Subject::from(&*request))
            .and_then(|()| self.scope.check_overrides(request))
            .map_err(|outside| Refusal::Scope {
                name: self.name.clone(),
                outside,
            })?;
        if request.url.scheme() != "https" && !is_loopback(&request.url) {
            return Err(Refusal::Plaintext(self.name.clone()));
        }
        Ok(())
    }

    /// Attaches it, in the place of whatever the script had put there. A token that an upstream has `refused` is not used
    /// again: gives nothing where no other can be had now.
    pub(crate) fn attach<'a>(
        &'a self,
        request: &'a mut Request,
        host: &'a Host<'a>,
        refused: Option<&'a str>,
    ) -> LocalBoxFuture<'a, Result<Option<Sent>, Unavailable>> {
        Box::pin(async move {
            attach::attach(&self.kind, request, host, refused)
                .await
                .map_err(|why| Unavailable {
                    name: self.name.clone(),
                    why,
                })
        })
    }

    /// Whether a new token may help where the upstream answered 401.
    pub(crate) fn can_renew(&self) -> bool {
        matches!(self.kind, Kind::OAuth2(_) | Kind::JwtBearer(_) | Kind::GithubApp(_))
    }

    /// An upstream has taken what was sent.
    pub(crate) fn accepted(&self, sent: &Sent) {
        let Some(token) = sent.first() else { return };
        match &self.kind {
            Kind::OAuth2(oauth2) => oauth2.accepted(token),
            Kind::JwtBearer(jwt) => jwt.cache.0.accepted(token),
            Kind::GithubApp(app) => app.cache.0.accepted(token),
            _ => {}
        }
    }

    /// Whether it signs bodies, or may send them again.
    pub(crate) fn wants_whole_body(&self) -> bool {
        self.can_renew() || matches!(self.kind, Kind::SigV4(_) | Kind::Hmac(_))
    }

    /// What takes these out of a response. It is made once for a secret that stays; a token of an agent's identity is another each
    /// time, and nobody waits for another's.
    pub(crate) fn redactor(&self, sent: &Sent) -> Option<Redactor> {
        if matches!(self.kind, Kind::Identity) {
            return Redactor::new(sent);
        }
        let lock = || self.redactor.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, redactor)) = lock().as_ref().filter(|(values, _)| values == sent) {
            return redactor.clone();
        }
        let redactor = Redactor::new(sent);
        *lock() = Some((sent.clone(), redactor.clone()));
        redactor
    }

    /// The files that its secrets come from, with the secrets.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        match &self.kind {
            Kind::Bearer(secret)
            | Kind::Basic { password: secret, .. }
            | Kind::Header { secret, .. }
            | Kind::Query { secret, .. } => vec![secret],
            Kind::OAuth2(oauth2) => oauth2.secrets(),
            Kind::JwtBearer(jwt) => jwt.key.secret().into_iter().collect(),
            Kind::GithubApp(app) => app.key.secret().into_iter().collect(),
            Kind::SigV4(sigv4) => sigv4.secrets(),
            Kind::Hmac(hmac) => vec![&hmac.secret],
            Kind::Identity => Vec::new(),
        }
    }

    /// The key that is exchanged with its file, where another process holds it.
    pub(crate) fn held_key(&self) -> Option<&CurrentKey> {
        match &self.kind {
            Kind::JwtBearer(jwt) => jwt.key.held(),
            Kind::GithubApp(app) => app.key.held(),
            _ => None,
        }
    }
}

/// Whether a URL names this machine, as it is dialled.
pub(crate) fn is_loopback(url: &Url) -> bool {
    use deno_core::url::Host;
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The credentials of a project, by name.
pub type Credentials = BTreeMap<String, std::sync::Arc<Credential>>;

/// The audience of a token for a URL: its origin.
pub(crate) fn audience(url: &Url) -> String {
    url.origin().ascii_serialization()
}
