//! `[credentials.<name>]`: one flat table for every kind, and which of its fields belong to which kind.

use std::path::PathBuf;

use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::{limiting_parsed, methods, parsed};
use crate::rules::{HostPattern, PathPattern};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Type {
    Bearer,
    Basic,
    Header,
    Query,
    #[serde(rename = "oauth2")]
    OAuth2,
    JwtBearer,
    GithubApp,
    #[serde(rename = "sigv4")]
    SigV4,
    Hmac,
    Identity,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Redact {
    #[default]
    Headers,
    Body,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientAuth {
    #[default]
    Basic,
    Body,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    /// What is attached, and how.
    #[serde(rename = "type")]
    pub(crate) kind: Type,
    /// The name of the secret, or a file that holds it.
    pub(crate) secret: Option<String>,
    /// A file that holds the secret.
    pub(crate) file: Option<PathBuf>,
    /// The only hosts that it is sent to.
    #[serde(deserialize_with = "parsed")]
    #[schemars(with = "Vec<String>")]
    pub(crate) hosts: Vec<HostPattern>,
    /// The only methods that it is sent with.
    #[serde(default, deserialize_with = "methods")]
    #[schemars(with = "Vec<String>")]
    pub(crate) methods: Vec<Method>,
    /// The only paths that it is sent to.
    #[serde(default, deserialize_with = "limiting_parsed")]
    #[schemars(with = "Vec<String>")]
    pub(crate) paths: Vec<PathPattern>,
    /// A name of `[certificates]`, shown as well.
    pub(crate) certificate: Option<String>,
    /// Where the secret is taken out of what comes back.
    #[serde(default)]
    pub(crate) redact: Redact,

    /// `basic`: the user.
    pub(crate) username: Option<String>,
    /// `header`, `hmac`: the header.
    pub(crate) header: Option<String>,
    /// `header`: what comes before the secret.
    pub(crate) prefix: Option<String>,
    /// `query`: the parameter.
    pub(crate) parameter: Option<String>,
    /// `oauth2`, `jwt-bearer`: the token endpoint.
    pub(crate) token_url: Option<String>,
    /// `oauth2`: the client.
    pub(crate) client_id: Option<String>,
    /// `oauth2`: how the client shows its secret.
    pub(crate) client_auth: Option<ClientAuth>,
    /// The name of the secret that holds the first refresh token.
    pub(crate) refresh_token: Option<String>,
    /// `oauth2`, `jwt-bearer`: scopes.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// `oauth2`, `jwt-bearer`, `identity`: the audience.
    pub(crate) audience: Option<String>,
    /// `jwt-bearer`, `github-app`: a private key on a token (a `pkcs11:` URI), instead of a secret.
    pub(crate) key: Option<String>,
    /// The PKCS #11 module that reaches the token, where a key is a `pkcs11:` URI.
    pub(crate) module: Option<String>,
    /// The name of the secret that holds the token's PIN.
    pub(crate) pin: Option<String>,
    /// `jwt-bearer`: the issuer.
    pub(crate) issuer: Option<String>,
    /// `jwt-bearer`: the subject.
    pub(crate) subject: Option<String>,
    /// `jwt-bearer`, `hmac`: the key's name.
    pub(crate) key_id: Option<String>,
    /// `github-app`: the API, instead of GitHub's.
    pub(crate) api: Option<String>,
    /// `github-app`: the app.
    pub(crate) app_id: Option<String>,
    /// `github-app`: the installation.
    pub(crate) installation_id: Option<String>,
    /// `sigv4`: the access key.
    pub(crate) access_key_id: Option<String>,
    /// The name of the secret that holds a temporary key's session token.
    pub(crate) session_token: Option<String>,
    /// `sigv4`: the region; by the host without it.
    pub(crate) region: Option<String>,
    /// `sigv4`: the service; by the host without it.
    pub(crate) service: Option<String>,
}

impl Credential {
    /// Fields that are set, of those that not every kind has.
    pub(crate) fn own_fields(&self) -> Vec<&'static str> {
        let all = [
            ("secret", self.secret.is_some()),
            ("file", self.file.is_some()),
            ("username", self.username.is_some()),
            ("header", self.header.is_some()),
            ("prefix", self.prefix.is_some()),
            ("parameter", self.parameter.is_some()),
            ("token_url", self.token_url.is_some()),
            ("client_id", self.client_id.is_some()),
            ("client_auth", self.client_auth.is_some()),
            ("refresh_token", self.refresh_token.is_some()),
            ("scopes", !self.scopes.is_empty()),
            ("audience", self.audience.is_some()),
            ("key", self.key.is_some()),
            ("module", self.module.is_some()),
            ("pin", self.pin.is_some()),
            ("issuer", self.issuer.is_some()),
            ("subject", self.subject.is_some()),
            ("key_id", self.key_id.is_some()),
            ("api", self.api.is_some()),
            ("app_id", self.app_id.is_some()),
            ("installation_id", self.installation_id.is_some()),
            ("access_key_id", self.access_key_id.is_some()),
            ("session_token", self.session_token.is_some()),
            ("region", self.region.is_some()),
            ("service", self.service.is_some()),
        ];
        all.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect()
    }
}

impl Type {
    /// The fields that this kind has, besides those of all.
    pub(crate) const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Bearer => &["secret", "file"],
            Self::Basic => &["secret", "file", "username"],
            Self::Header => &["secret", "file", "header", "prefix"],
            Self::Query => &["secret", "file", "parameter"],
            Self::OAuth2 => &[
                "secret",
                "file",
                "token_url",
                "client_id",
                "client_auth",
                "refresh_token",
                "scopes",
                "audience",
            ],
            Self::JwtBearer => &[
                "secret",
                "file",
                "key",
                "module",
                "pin",
                "token_url",
                "issuer",
                "subject",
                "audience",
                "scopes",
                "key_id",
            ],
            Self::GithubApp => &[
                "secret",
                "file",
                "key",
                "module",
                "pin",
                "api",
                "app_id",
                "installation_id",
            ],
            Self::SigV4 => &["secret", "file", "access_key_id", "session_token", "region", "service"],
            Self::Hmac => &["secret", "file", "header"],
            Self::Identity => &[],
        }
    }
}
