//! Access tokens for a signed assertion (RFC 7523), as Google's service accounts get them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use workerd_lite_ops::clock;

use super::secret::Secret;
use super::token::{Exchange, TokenClient};
use super::token_cache::Cache;
use crate::keys::pkcs11::TokenKey;
use crate::keys::process::CurrentKey;
use crate::keys::{self, JwtKey, RemoteKey};

/// How long an assertion holds. Servers allow an hour at most.
const ASSERTION: Duration = Duration::from_mins(10);

/// What an assertion says, and where it is exchanged.
#[derive(Debug)]
pub struct JwtBearer {
    /// The token endpoint.
    pub token_url: String,
    /// `iss`.
    pub issuer: String,
    /// `sub`; the issuer without.
    pub subject: Option<String>,
    /// `aud`; the token endpoint without.
    pub audience: Option<String>,
    /// The `scope` claim, joined by spaces.
    pub scopes: Vec<String>,
    /// The private key.
    pub key: AssertionKey,
    /// The key's id, where the server wants one.
    pub key_id: Option<String>,
    /// Its cache; empty at first.
    pub cache: TokenCache,
}

/// What assertions are signed by.
#[derive(Debug)]
pub enum AssertionKey {
    /// A PEM key that is a secret's value.
    Pem(Secret),
    /// A key on a token.
    Token(Arc<TokenKey>),
    /// A key of a file that the process that holds keys reads.
    Held(CurrentKey),
}

impl AssertionKey {
    /// The secret, where it is one.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Pem(secret) => Some(secret),
            Self::Token(_) | Self::Held(_) => None,
        }
    }

    /// The key that is exchanged with its file, where it is one.
    pub(super) fn held(&self) -> Option<&CurrentKey> {
        match self {
            Self::Held(key) => Some(key),
            Self::Pem(_) | Self::Token(_) => None,
        }
    }

    /// What must not be seen.
    pub(super) fn made_of(&self) -> Vec<Arc<str>> {
        self.secret().map(Secret::value).into_iter().collect()
    }
}

/// A token's cache, empty at first.
#[derive(Debug, Default)]
pub struct TokenCache(pub(super) Cache);

impl JwtBearer {
    /// A token, and none where no other than the `refused` one can be had now.
    pub(super) async fn token(
        &self,
        tokens: &dyn TokenClient,
        refused: Option<&str>,
    ) -> Result<Option<String>, String> {
        self.cache.0.get(tokens, refused, |_| self.exchange()).await
    }

    fn exchange(&self) -> Result<Exchange, String> {
        let mut claims = Map::new();
        claims.insert("iss".into(), json!(self.issuer));
        claims.insert("sub".into(), json!(self.subject.as_ref().unwrap_or(&self.issuer)));
        claims.insert("aud".into(), json!(self.audience.as_ref().unwrap_or(&self.token_url)));
        if !self.scopes.is_empty() {
            claims.insert("scope".into(), json!(self.scopes.join(" ")));
        }
        let assertion = sign(claims, &self.key, self.key_id.clone(), ASSERTION)?;
        let body: String = deno_core::url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .append_pair("assertion", &assertion)
            .finish();
        let request = http::Request::post(&self.token_url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(body.into_bytes())
            .map_err(|error| error.to_string())?;
        Ok(Exchange {
            request,
            field: "access_token",
            secrets: vec![assertion],
            made_of: self.key.made_of(),
            configured: None,
        })
    }
}

/// Signs claims, with `iat`, `nbf` and `exp` added. The key's kind chooses the algorithm: RS256 or ES256.
pub(super) fn sign(
    mut claims: Map<String, Value>,
    key: &AssertionKey,
    key_id: Option<String>,
    lifetime: Duration,
) -> Result<String, String> {
    let now = clock::since_epoch().as_secs();
    // A minute of grace for clocks that differ.
    claims.insert("iat".into(), json!(now.saturating_sub(60)));
    claims.insert(
        "exp".into(),
        json!(now.saturating_add(lifetime.as_secs().saturating_sub(60))),
    );
    let key = match key {
        AssertionKey::Pem(key) => private_key(key)?,
        AssertionKey::Token(key) => JwtKey::Remote(Arc::clone(key) as Arc<dyn RemoteKey>),
        AssertionKey::Held(key) => JwtKey::Remote(key.key()),
    };
    key.sign(key_id, &claims)
}

fn private_key(key: &Secret) -> Result<JwtKey, String> {
    const WRONG: &str = "it is no RSA or P-256 private key in PEM";
    let key = keys::private_key(&key.value(), key.file()).map_err(|why| format!("{WRONG}: {why}"))?;
    keys::signing_key(&key)
        .map(|(algorithm, key)| JwtKey::Software(algorithm, key))
        .ok_or_else(|| format!("{WRONG}, but a private key of another kind"))
}

/// Whether assertions can be signed by a key.
pub(crate) fn check_key(key: &AssertionKey) -> Result<(), String> {
    // Reading it does not look at the numbers within: signing does.
    sign(Map::new(), key, None, ASSERTION).map(drop)
}
