//! Tokens: JWTs (RFC 7519) signed by ES256, with OpenID Connect discovery for whoever verifies them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::watch;
use workerd_lite_ops::clock;

use super::authority::Issued;
use super::{Attested, Authority, KeyRing};

/// Verifiers' clocks may be behind ours by this, in seconds.
const BACKDATED: u64 = 30;

/// Claims that the host alone says.
const OWN: [&str; 12] = [
    "iss",
    "sub",
    "aud",
    "iat",
    "nbf",
    "exp",
    "jti",
    "agent",
    "tenant",
    "instance",
    "code_sha256",
    "policy_sha256",
];

/// Issues what agents prove themselves with.
#[derive(Debug)]
pub struct Issuer {
    /// `iss`, and the base of the discovery document.
    pub url: String,
    /// The SPIFFE trust domain.
    pub trust_domain: String,
    /// How long a token holds.
    pub ttl: Duration,
    /// SHA-256 over the policy's modules.
    pub policy_sha256: Option<String>,
    /// The keys that tokens are signed by.
    pub keys: KeyRing,
    /// What issues certificates, where that is configured. The channel gives the newest that was good.
    pub authority: Option<watch::Receiver<Arc<Authority>>>,
}

impl Issuer {
    /// A token of an agent. Fails where a claim is the host's own, or no audience is named.
    pub fn token(
        &self,
        agent: &Attested,
        audience: &[String],
        mut claims: Map<String, Value>,
    ) -> Result<String, String> {
        if let Some(own) = OWN.iter().find(|name| claims.contains_key(**name)) {
            return Err(format!("the claim {own:?} is the host's own"));
        }
        let audience = match audience {
            [] => return Err("a token needs an audience".into()),
            [one] => json!(one),
            many => json!(many),
        };
        let now = clock::since_epoch().as_secs();
        claims.insert("iss".into(), json!(self.url));
        claims.insert("sub".into(), json!(agent.spiffe_id(&self.trust_domain)));
        claims.insert("aud".into(), audience);
        claims.insert("iat".into(), json!(now));
        claims.insert("nbf".into(), json!(now.saturating_sub(BACKDATED)));
        claims.insert("exp".into(), json!(now.saturating_add(self.ttl.as_secs().max(1))));
        claims.insert("jti".into(), json!(uuid::Uuid::new_v4().simple().to_string()));
        claims.insert("agent".into(), json!(agent.name));
        claims.insert("instance".into(), json!(agent.instance));
        claims.insert("code_sha256".into(), json!(agent.code_sha256));
        if let Some(tenant) = &agent.tenant {
            claims.insert("tenant".into(), json!(tenant));
        }
        if let Some(hash) = &self.policy_sha256 {
            claims.insert("policy_sha256".into(), json!(hash));
        }
        let key = self.keys.signing();
        key.signing
            .sign(Some(key.id.clone()), &claims)
            .map_err(|why| format!("the identity's key: {why}"))
    }

    /// A new certificate of an agent.
    pub(crate) fn certificate(&self, agent: &Attested) -> Result<Issued, String> {
        self.authority
            .as_ref()
            .ok_or_else(|| "[identity] names no issuing certificate".to_owned())?
            .borrow()
            .issue(agent, &self.trust_domain)
    }

    /// By which name its documents are asked for.
    pub(crate) fn host(&self) -> Option<&str> {
        let (_, rest) = self.url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        Some(authority.split_once(':').map_or(authority, |(host, _)| host))
    }

    /// OpenID Connect discovery: <https://openid.net/specs/openid-connect-discovery-1_0.html>.
    pub(crate) fn discovery(&self) -> Value {
        let base = self.url.trim_end_matches('/');
        json!({
            "issuer": self.url,
            "jwks_uri": format!("{base}/.well-known/jwks.json"),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": self.keys.algorithms(),
            "claims_supported": OWN,
        })
    }

    /// The public keys, as a JSON Web Key Set (RFC 7517).
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": self.keys.public() })
    }
}
